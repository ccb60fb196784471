/** DAT-12 offline: what `iron audit export` wrote is verified without a database, and the first bad line named. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable, Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type IronDatabase, openDatabase } from '@iron/database'
import { createTestPlace, type TestPlace } from '@iron/database/testing'
import { type AuditHead, AuditLog } from '@iron/journal'
import { verifyLines } from '../../src/commands/audit.ts'
import { exportLog } from '../../src/commands/audit/export-log.ts'
import { LINE_CHARS_MAX } from '../../src/commands/audit/lines.ts'
import { formatHead } from '../../src/commands/heads.ts'
import { mainProgram } from '../support/server-process.ts'
import { iron } from './iron.ts'

const AUDIT_KEY = 'a key of the audit log of this test'
const hmacKey = Buffer.from(AUDIT_KEY)
/** More than are fetched at once. */
const ENTRIES = 1_203

let place: TestPlace
let database: IronDatabase
let audit: AuditLog
let lines: string[]
let head: AuditHead

beforeAll(async () => {
  place = await createTestPlace('sqlite')
  database = await openDatabase(place.url)
  audit = new AuditLog(database, { hmacKey })
  await database.write(async (tx) => {
    for (let index = 0; index < ENTRIES; index += 1) {
      const metadata = { index, text: 'ä "quoted" \n line' }
      audit.defer({ operation: 'AGENT_UPDATED', resourceType: 'agent', actor: 'user-1', metadata }, { tx })
    }
  })
  lines = []
  await exportLog(audit, 0, collect(lines))
  head = await audit.head()
})
afterAll(async () => {
  await database.close()
  await place.remove()
})

/** Takes what is written, one line a time. */
function collect(into: string[]): Writable {
  return new Writable({
    write: (chunk: Buffer, _, done) => {
      into.push(chunk.toString().trimEnd())
      done()
    },
  })
}

type Outcome = 'ok' | readonly [line: number, seq: number, fault: string]

async function verified(edited: readonly string[] | string, options: object = {}): Promise<Outcome> {
  const text = typeof edited === 'string' ? edited : edited.map((line) => `${line}\n`).join('')
  // Cut anywhere, also inside a character.
  const bytes = Buffer.from(text)
  const chunks = Array.from({ length: Math.ceil(bytes.length / 4_099) }, (_, n) =>
    bytes.subarray(n * 4_099, (n + 1) * 4_099),
  )
  const result = await verifyLines(Readable.from(chunks), { hmacKey, expect: head, ...options })
  return result.ok ? 'ok' : [result.line, result.seq, result.fault]
}

describe('a tampered export', () => {
  test('nothing is wrong with what was exported, with or without the last line break', async () => {
    expect(lines).toHaveLength(ENTRIES)
    expect(await verified(lines)).toBe('ok')
    expect(await verified(lines.join('\n'))).toBe('ok')
    expect(await verified(`${lines.join('\r\n')}\n\n \n`)).toBe('ok')
  })

  test('each changed member of a line is found, and the line named', async () => {
    const part = lines.slice(0, 5)
    const expect5 = { expect: undefined }
    expect(await verified(part, expect5)).toBe('ok')
    for (const at of [0, 2, 4]) {
      const row = JSON.parse(lines[at] ?? '') as Record<string, unknown>
      for (const [name, value] of Object.entries(row)) {
        for (const other of [
          typeof value === 'number' ? value + 1 : `${String(value)}x`,
          undefined,
          value === null ? 1 : null,
        ]) {
          const edited = part.with(at, JSON.stringify({ ...row, [name]: other }))
          const [line, seq] = await verified(edited, expect5)
          expect([name, other, line, seq]).toEqual([name, other, at + 1, at + 1])
        }
      }
      expect(await verified(part.with(at, JSON.stringify({ ...row, more: 1 })), expect5)).toEqual([
        at + 1,
        at + 1,
        'changed',
      ])
    }
  })

  test('lines that are dropped, swapped, repeated, cut off or are none are found, and the first of them named', async () => {
    expect(await verified(lines.toSpliced(7, 1))).toEqual([8, 8, 'missing'])
    expect(await verified(lines.with(3, lines[900] ?? '').with(900, lines[3] ?? ''))).toEqual([4, 4, 'reordered'])
    expect(await verified(lines.toSpliced(6, 0, lines[5] ?? ''))).toEqual([7, 7, 'reordered'])
    expect(await verified(lines.slice(0, -1))).toEqual([ENTRIES, ENTRIES, 'truncated'])
    expect(await verified([])).toEqual([1, 1, 'truncated'])
    expect(await verified(lines.toSpliced(10, 0, ''))).toEqual([11, 11, 'reordered'])
    expect(await verified(lines.with(10, 'x'.repeat(LINE_CHARS_MAX + 1)))).toEqual([11, 11, 'changed'])
    expect(await verified(lines.join('\n').slice(0, -3))).toEqual([ENTRIES, ENTRIES, 'changed'])
  })

  test('a chain that was written anew is found by the key, and without one by a head kept elsewhere', async () => {
    expect(await verified(lines, { hmacKey: undefined })).toEqual([1, 1, 'changed'])
    expect(await verified(lines, { expect: { seq: 9, hash: 'a'.repeat(64) } })).toEqual([9, 9, 'changed'])
  })

  test('a part is verified by the head it follows', async () => {
    const part: string[] = []
    const exported = await exportLog(audit, 1_000, collect(part))
    expect(exported).toEqual({ entries: ENTRIES - 1_000, head })
    const { hash } = JSON.parse(lines[999] ?? '') as AuditHead
    const after = { seq: 1_000, hash }
    expect(await verified(part, { after })).toBe('ok')
    expect(await verified(part.toSpliced(4, 1), { after })).toEqual([5, 1_005, 'missing'])
    expect(await verified(part)).toEqual([1, 1, 'missing'])
  })
})

test('a file that is no export is told apart from one that was tampered with', async () => {
  const no = await createTestPlace('sqlite')
  const told = async (text: string): Promise<string> => {
    const file = path.join(path.dirname(no.url), 'export.jsonl')
    writeFileSync(file, text)
    const { code, out } = await iron({}, ['audit', 'verify', file])
    expect(code).toBe('1')
    return out
  }
  try {
    for (const other of ['hello', '[1]', 'null', '{"seq":1}', 'SQLite format 3\0']) {
      expect(await told(`${other}\n`)).toBe('line 1 is no entry of an audit log\n')
    }
    expect(await told((lines[0] ?? '').replace('AGENT_UPDATED', 'AGENT_DELETED'))).toMatch(
      /^line 1: entry 1 is changed/,
    )
  } finally {
    await no.remove()
  }
})

test('what cannot be exported says why, and of which database', async () => {
  const none = await createTestPlace('sqlite')
  try {
    const refused = async (): Promise<string> => {
      const { code, out, err } = await iron({ DATABASE_URL: none.url }, ['audit', 'export'])
      expect([code, out]).toEqual(['1', ''])
      return err
    }
    const where = `"database":"sqlite:${none.url}"`
    expect(await refused()).toMatch(/there is no database file/)
    expect(await refused()).toContain(where)
    writeFileSync(none.url, 'text, and no database'.repeat(500))
    expect(await refused()).toMatch(/the file is not a database/)
    expect(await refused()).toContain(where)
    writeFileSync(none.url, '')
    expect(await refused()).toMatch(/^iron: the database has no tables yet/)
  } finally {
    await none.remove()
  }
})

test('an export goes no faster than it is taken', async () => {
  const taken: (() => void)[] = []
  let written = 0
  const begun = Promise.withResolvers<undefined>()
  const slow = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => {
      written += 1
      taken.push(done)
      begun.resolve(undefined)
    },
  })
  let read = 0
  const counted = { export: (options: object) => counting(audit.export(options)) } as unknown as AuditLog
  async function* counting(from: AsyncIterable<string>): AsyncIterable<string> {
    for await (const line of from) {
      read += 1
      yield line
    }
  }
  const exporting = exportLog(counted, 0, slow)
  // A reader's thread of a busy machine may take its time.
  await begun.promise
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect([written, read <= 5]).toEqual([1, true])
  slow.destroy()
  await expect(exporting).rejects.toThrow()
  expect(taken).toHaveLength(1)
})

test('as commands: export, verify a file and stdin, with and without the key', async () => {
  const environment = { DATABASE_URL: place.url, IRON_AUDIT_KEY: AUDIT_KEY }
  const exported = await iron(environment, ['audit', 'export'])
  expect([exported.code, exported.err]).toEqual(['0', `exported ${ENTRIES} entries, head ${formatHead(head)}\n`])
  expect(exported.out.split('\n')).toEqual([...lines, ''])

  const file = path.join(path.dirname(place.url), 'export.jsonl')
  writeFileSync(file, exported.out.replace('"AGENT_UPDATED"', '"AGENT_CREATED"'))
  // No database is needed, and none is made.
  const offline = { DATABASE_URL: path.join(path.dirname(place.url), 'none.db') }
  const [good, bad, keyless] = await Promise.all([
    iron(
      { ...offline, IRON_AUDIT_KEY: AUDIT_KEY },
      ['audit', 'verify', '-', '--expect', formatHead(head)],
      exported.out,
    ),
    iron({ ...offline, IRON_AUDIT_KEY: AUDIT_KEY }, ['audit', 'verify', file, '--json']),
    iron({ ...offline, IRON_AUDIT_KEY: '' }, ['audit', 'verify', '-'], exported.out),
  ])
  expect(good).toEqual({ code: '0', out: `audit ok, up to entry ${formatHead(head)}\n`, err: '' })
  expect([bad.code, JSON.parse(bad.out)]).toMatchObject(['1', { ok: false, line: 1, seq: 1, fault: 'changed' }])
  expect([keyless.code, keyless.out]).toEqual(['1', expect.stringContaining('line 1: entry 1 is changed (or')])
}, 60_000)

test('an export that nobody reads on ends quietly', async () => {
  const child = spawn(process.execPath, ['--conditions=@iron/source', mainProgram, 'audit', 'export'], {
    env: { ...process.env, DATABASE_URL: place.url, IRON_AUDIT_KEY: AUDIT_KEY, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const errors: string[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  await once(child.stdout, 'data')
  child.stdout.destroy()
  const [code] = (await once(child, 'close')) as [number]
  expect([code, errors.join('')]).toEqual([0, ''])
}, 60_000)
