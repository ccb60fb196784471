/**
 * DAT-12, MON-22: whoever can write the tables past the server is found by `iron verify`, and the first bad row is named, for
 * every single change of one row, and for rows that are dropped, swapped or cut off.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { DatabaseError, openDatabase } from '@iron/database'
import { createTestPlace, enginesForTests, type TestPlace } from '@iron/database/testing'
import { AuditLog } from '@iron/journal'
import { formatHead, type KeptHeads } from '../../src/commands/heads.ts'
import { examine, examineRows } from '../../src/commands/verify/examine.ts'
import type { AgentFindings, Findings } from '../../src/commands/verify/findings.ts'
import { startApi } from '../support/api.ts'
import { createAgent, expectStatus } from '../support/server-process.ts'
import { type Attacker, openAttacker, type Row } from './attacker.ts'
import { iron } from './iron.ts'

const NO_HEADS: KeptHeads = { audit: undefined, ledger: [] }
/** The largest figure that a column of money takes. */
const MAX = Number.MAX_SAFE_INTEGER

/** Of a SQLite file. */
const PAGE_BYTES = 4_096

/** An installation with two agents, one of which has had money moved in every way. */
interface History {
  readonly place: TestPlace
  readonly agentId: string
  readonly otherId: string
  readonly requestId: string
}

async function makeHistory(dialect: 'sqlite' | 'postgres'): Promise<History> {
  const place = await createTestPlace(dialect)
  await using api = await startApi({
    databaseUrl: place.url,
    jwtSecret: 'the secret of the sessions of this test',
    icTokenSecret: 'the secret of the agents of this test',
    masterKeys: `m1:${Buffer.alloc(32, 7).toString('base64')}`,
  })
  const { client } = api
  const other = await createAgent(client, { allocatedUsd: 5 })
  const { agentId, runtime, admin } = await createAgent(client, { allocatedUsd: 100 })
  const path = `/agents/${agentId}`
  const lease = expectStatus(await client.post('/budget/handshake', { requested_usd: 10 }, runtime), 200)
  const leaseId = String(lease.body.lease_id)
  for (const usd of [3, 9]) {
    const report = { lease_id: leaseId, request_id: `call-${String(usd)}`, model: 'gpt-4o', cost_usd: usd }
    expectStatus(await client.post('/budget/report', report, runtime), 200)
  }
  expectStatus(await client.post('/budget/return', { lease_id: leaseId }, runtime), 200)
  const second = expectStatus(await client.post('/budget/reserve', { requested_usd: 4 }, runtime), 200)
  expectStatus(await client.post('/budget/return', { lease_id: second.body.lease_id as string }, runtime), 200)
  expectStatus(await client.post('/budget/reserve', { requested_usd: 2 }, runtime), 200)
  const credit = { direction: 'credit', amount_usd: 1, reason: 'refunded' }
  expectStatus(await client.post(`${path}/budget/adjustments`, credit, admin), 201)
  const asked = { agent_id: agentId, requested_allocated_usd: 150, justification: 'a larger budget is needed' }
  const request = expectStatus(await client.post('/budget-requests', asked, admin), 201)
  for (const usd of [120, 130]) {
    expectStatus(await client.put(`${path}/budget`, { allocated_usd: usd, reason: 'more' }, admin), 200)
  }
  return { place, agentId, otherId: other.agentId, requestId: String(request.body.id) }
}

/** Other values of a column that the database would take. */
function otherValues(column: string, value: string | number | null, history: History): (string | number | null)[] {
  if (column === 'agent_id') return [history.otherId]
  if (column === 'budget_request_id') return [history.requestId]
  if (column === 'type') return [value === 'overrun' ? 'adjust' : 'overrun']
  if (column === 'actor_type') return [value === 'system' ? 'agent' : 'system']
  if (column === 'seq') return [Number(value) + 500]
  if (column === 'version') return [Number(value) + 500]
  if (/(micros|_after)$/.test(column)) return [Number(value) + 1, MAX]
  if (typeof value === 'number') return [value - 1]
  if (column === 'hash' || column === 'prev_hash') return [flipped(String(value)), 'a'.repeat(64)]
  if (value === null) return ['x']
  const isOptional = !['id', 'actor_id', 'operation', 'resource_type', 'metadata'].includes(column)
  const changedCase = value.toUpperCase() === value ? value.toLowerCase() : value.toUpperCase()
  return [`${value}x`, ...(changedCase === value ? [] : [changedCase]), ...(isOptional ? [null] : [])]
}

/** Whether the database took a change. */
async function taken(change: Promise<unknown>): Promise<boolean> {
  try {
    await change
    return true
  } catch (error) {
    if (error instanceof DatabaseError && error.code === 'DATABASE_CONSTRAINT') return false
    throw error
  }
}

const flipped = (hash: string): string => `${hash.startsWith('0') ? '1' : '0'}${hash.slice(1)}`

describe.each(await enginesForTests())('iron verify on %s', (dialect) => {
  let history: History
  let attacker: Attacker
  let audit: AuditLog
  /** Rows of both chains before anything was changed. */
  let entries: Row[]
  let ledger: Row[]

  beforeAll(async () => {
    history = await makeHistory(dialect)
    attacker = await openAttacker(history.place.url)
    audit = new AuditLog(attacker.database)
    entries = await attacker.rows('SELECT * FROM audit_log ORDER BY seq')
    ledger = await attacker.rows('SELECT * FROM ledger_entries WHERE agent_id = ? ORDER BY seq', history.agentId)
    await attacker.disarm()
  }, 60_000)
  afterEach(() => attacker.undo())
  afterAll(async () => {
    await attacker[Symbol.asyncDispose]()
    await history.place.remove()
  })

  const found = (kept: KeptHeads = NO_HEADS): Promise<Pick<Findings, 'audit' | 'ledger'>> =>
    examineRows(attacker.database, audit, kept)
  const ofAudit = async (kept?: KeptHeads): Promise<unknown> => {
    const { ok, seq, fault } = (await found(kept)).audit
    return ok ? 'ok' : [seq, fault]
  }
  const ofAgent = async (kept?: KeptHeads): Promise<AgentFindings | undefined> =>
    (await found(kept)).ledger.agents.find(({ agentId }) => agentId === history.agentId)
  const ofLedger = async (kept?: KeptHeads): Promise<unknown> => {
    const findings = await ofAgent(kept)
    return findings === undefined ? 'ok' : [findings.seq, findings.fault]
  }

  test('nothing is wrong before, and each undoing of the attacker is complete', async () => {
    expect([entries.length > 15, ledger.length]).toEqual([true, 11])
    expect(new Set(ledger.map(({ type }) => type)).size).toBeGreaterThanOrEqual(6)
    expect([await ofAudit(), await ofLedger()]).toEqual(['ok', 'ok'])
    await attacker.undo()
    expect(await found()).toMatchObject({ audit: { ok: true }, ledger: { ok: true, agents: [] } })
  })

  test('DAT-12 each changed column of an audit entry is found, and the entry named', async () => {
    for (const row of [entries[0], entries[9], entries.at(-1)] as Row[]) {
      for (const [column, value] of Object.entries(row)) {
        for (const other of otherValues(column, value, history)) {
          await attacker.rows(`UPDATE audit_log SET ${column} = ? WHERE seq = ?`, other, row.seq)
          const expected = column === 'seq' ? 'reordered' : 'changed'
          expect([column, other, await ofAudit()]).toEqual([column, other, [row.seq, expected]])
          await attacker.rows(
            `UPDATE audit_log SET ${column} = ? WHERE id = ?`,
            value,
            column === 'id' ? other : row.id,
          )
        }
      }
    }
    expect(await ofAudit()).toBe('ok')
  }, 60_000)

  test('MON-22 R7 each changed column of a ledger row is found, and agent and row named', async () => {
    const covered = new Set<string>()
    const ofEachType = [...Map.groupBy(ledger, ({ type }) => type).values()].map(([first]) => first as Row)
    for (const row of [...ofEachType, ledger.at(-1) as Row]) {
      for (const [column, value] of Object.entries(row)) {
        for (const other of otherValues(column, value, history)) {
          const sql = `UPDATE ledger_entries SET ${column} = ? WHERE agent_id = ? AND seq = ?`
          // What the constraints of a row refuse nobody needs to find.
          if (!(await taken(attacker.rows(sql, other, history.agentId, row.seq)))) continue
          covered.add(column)
          const isLast = row === ledger.at(-1)
          const gone = isLast ? 'truncated' : 'missing'
          const expected = column === 'agent_id' ? gone : column === 'seq' ? 'reordered' : 'changed'
          expect([column, other, await ofLedger()]).toEqual([column, other, [row.seq, expected]])
          const isNow = [column === 'agent_id' ? other : history.agentId, column === 'seq' ? other : row.seq]
          await attacker.rows(sql, value, ...isNow)
        }
      }
    }
    expect([...covered].sort()).toEqual(Object.keys(ledger[0] ?? {}).sort())
    expect(await ofLedger()).toBe('ok')
  }, 60_000)

  test('DAT-12 a dropped row is found and named, whichever it is', async () => {
    for (const [index, { seq }] of entries.entries()) {
      await attacker.rows('DELETE FROM audit_log WHERE seq = ?', seq)
      expect(await ofAudit()).toEqual([seq, index === entries.length - 1 ? 'truncated' : 'missing'])
      await attacker.undo()
    }
    for (const [index, { seq }] of ledger.entries()) {
      await attacker.rows('DELETE FROM ledger_entries WHERE agent_id = ? AND seq = ?', history.agentId, seq)
      expect(await ofLedger()).toEqual([seq, index === ledger.length - 1 ? 'truncated' : 'missing'])
      await attacker.undo()
    }
  }, 60_000)

  test('DAT-12 two rows that changed places are found, and the first of them named', async () => {
    const swap = async (table: string, where: string, first: number, second: number): Promise<void> => {
      for (const [from, to] of [
        [first, 900],
        [second, first],
        [900, second],
      ]) {
        await attacker.rows(`UPDATE ${table} SET seq = ? WHERE seq = ?${where}`, to, from)
      }
    }
    const pairs = (count: number): [number, number][] => [
      [1, 2],
      [1, count],
      [3, 7],
      [count - 1, count],
    ]
    for (const [first, second] of pairs(entries.length)) {
      await swap('audit_log', '', first, second)
      expect([first, second, await ofAudit()]).toEqual([first, second, [first, 'reordered']])
      await swap('audit_log', '', first, second)
    }
    for (const [first, second] of pairs(ledger.length)) {
      const ofThisAgent = ` AND agent_id = '${history.agentId}'`
      await swap('ledger_entries', ofThisAgent, first, second)
      expect([first, second, await ofLedger()]).toEqual([first, second, [first, 'reordered']])
      await swap('ledger_entries', ofThisAgent, first, second)
    }
    expect([await ofAudit(), await ofLedger()]).toEqual(['ok', 'ok'])
  })

  test('DAT-12 a tail that was cut off together with its head is found by a head kept elsewhere', async () => {
    const last = entries.length
    const kept = { audit: await audit.head(), ledger: [] }
    await attacker.rows('DELETE FROM audit_log WHERE seq > ?', last - 3)
    await attacker.rows(
      "UPDATE log_heads SET head_seq = ?, head_hash = ? WHERE name = 'audit'",
      last - 3,
      entries[last - 4]?.hash,
    )
    expect(await ofAudit()).toBe('ok')
    expect(await ofAudit(kept)).toEqual([last - 2, 'truncated'])

    const head = ledger.at(-1) as Row
    const before = ledger.at(-2) as Row
    const keptLedger = [{ agentId: history.agentId, seq: Number(head.seq), hash: String(head.hash) }]
    await attacker.rows('DELETE FROM ledger_entries WHERE agent_id = ? AND seq = ?', history.agentId, head.seq)
    await attacker.rows(
      'UPDATE agent_budgets SET allocated_micros = ?, version = ?, ledger_seq = ?, ledger_hash = ? WHERE agent_id = ?',
      before.allocated_after,
      before.version,
      before.seq,
      before.hash,
      history.agentId,
    )
    expect(await ofLedger()).toBe('ok')
    expect(await ofLedger({ audit: undefined, ledger: keptLedger })).toEqual([head.seq, 'truncated'])
  })

  test('MON-22 each changed figure and head of a budget row, and each head of the log, is found', async () => {
    const [budget] = await attacker.rows('SELECT * FROM agent_budgets WHERE agent_id = ?', history.agentId)
    const last = Number(budget?.ledger_seq)
    for (const [column, other, expected] of [
      ['allocated_micros', Number(budget?.allocated_micros) + 1, [null, 'balance']],
      ['reserved_micros', 0, [null, 'balance']],
      ['spent_micros', MAX, [null, 'balance']],
      ['version', Number(budget?.version) + 1, [null, 'balance']],
      ['ledger_seq', last + 1, [null, 'balance']],
      ['ledger_seq', last - 1, [null, 'balance']],
      ['ledger_hash', flipped(String(budget?.ledger_hash)), [last, 'changed']],
    ] as const) {
      await attacker.rows(`UPDATE agent_budgets SET ${column} = ? WHERE agent_id = ?`, other, history.agentId)
      expect([column, other, await ofLedger()]).toEqual([column, other, expected])
      await attacker.rows(
        `UPDATE agent_budgets SET ${column} = ? WHERE agent_id = ?`,
        budget?.[column],
        history.agentId,
      )
    }
    const end = entries.length
    for (const [column, other, expected] of [
      ['head_seq', end + 1, [end + 1, 'truncated']],
      ['head_seq', end - 1, [end, 'changed']],
      ['head_hash', flipped(String(entries.at(-1)?.hash)), [end, 'changed']],
    ] as const) {
      await attacker.rows(`UPDATE log_heads SET ${column} = ? WHERE name = 'audit'`, other)
      expect([column, other, await ofAudit()]).toEqual([column, other, expected])
      await attacker.undo()
    }
  })

  test('threads find what one finds, and say how far they are', async () => {
    const kept = {
      audit: undefined,
      ledger: [
        { agentId: 'agent-that-was-deleted', seq: 3, hash: 'a'.repeat(64) },
        { agentId: history.otherId, seq: 9, hash: 'a'.repeat(64) },
      ],
    }
    await attacker.rows('UPDATE ledger_entries SET amount_micros = 7 WHERE agent_id = ? AND seq = 4', history.agentId)
    const verified: number[][] = []
    const { ledger: byThreads } = await examineRows(attacker.database, audit, kept, {
      url: history.place.url,
      threadedRowsMin: 0,
      onVerified: (...progress) => verified.push(progress),
    })
    expect(byThreads).toEqual((await found(kept)).ledger)
    expect(byThreads.agents.map(({ agentId, fault }) => [agentId, fault])).toEqual(
      expect.arrayContaining([
        [history.agentId, 'changed'],
        [history.otherId, 'truncated'],
        ['agent-that-was-deleted', 'missing'],
      ]),
    )
    const rows = byThreads.heads.reduce((sum, { seq }) => sum + seq, 0)
    expect(verified).toEqual([[rows, rows]])
  })

  test('what cannot be read is a finding, and the rest is looked at all the same', async () => {
    await attacker.rows("DELETE FROM log_heads WHERE name = 'audit'")
    await attacker.rows('UPDATE agent_budgets SET spent_micros = 1 WHERE agent_id = ?', history.agentId)
    const { audit: ofEntries, ledger: ofAgents } = await found()
    expect(ofEntries).toMatchObject({ ok: false, head: null, problem: expect.stringContaining('lost a row') })
    expect(ofAgents.agents).toMatchObject([{ agentId: history.agentId, fault: 'balance' }])
    const row = "INSERT INTO log_heads (name, head_seq, head_hash, floor, updated_at) VALUES ('audit', 1, ?, 0, 0)"
    await attacker.rows(row, '0'.repeat(64))
  })

  test('DAT-02 a schema that has lost its triggers is a finding of its own, and gone when it has them again', async () => {
    const before = await examine(attacker.database, audit, NO_HEADS)
    expect(before).toMatchObject({ ok: false, schema: { ok: false }, audit: { ok: true }, ledger: { ok: true } })
    const objects = before.schema.differences.map(({ object }) => object)
    expect(objects).toEqual(
      expect.arrayContaining([
        'trigger audit_log_no_update',
        'trigger ledger_entries_no_delete',
        'trigger leases_final',
      ]),
    )
    await attacker.rearm()
    expect(await examine(attacker.database, audit, NO_HEADS)).toMatchObject({ ok: true, schema: { ok: true } })
    await attacker.disarm()
  }, 60_000)

  // Where an engine looks after its own pages, nobody else can reach them.
  const onFile = dialect === 'sqlite' ? test : test.skip
  onFile('DAT-12 a damaged page is found, also one that no other check reads', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'iron-pages-'))
    const copy = path.join(folder, 'damaged.db')
    await using source = await openDatabase(history.place.url, { migrations: 'unchecked' })
    await source.backup(copy)
    const [page] = await attacker.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'requests_subject_time'")
    expect(page).toBeDefined()
    const examined = async (): Promise<Findings> => {
      await using database = await openDatabase(copy, { migrations: 'unchecked' })
      return await examine(database, new AuditLog(database), NO_HEADS)
    }
    expect((await examined()).file).toEqual({ ok: true, damages: [], problem: null })
    const bytes = readFileSync(copy)
    const from = (Number(page?.['rootpage']) - 1) * PAGE_BYTES
    writeFileSync(copy, bytes.fill(0xa5, from, from + PAGE_BYTES))
    const { ok, file, audit: ofEntries, ledger: ofAgents } = await examined()
    expect([ok, file?.ok, ofEntries.ok, ofAgents.ok]).toEqual([false, false, true, true])
    rmSync(folder, { recursive: true })
  })

  onFile('MON-22 a ledger is not lost sight of with the budget row that has its head', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'iron-strays-'))
    const copy = path.join(folder, 'stray.db')
    await using source = await openDatabase(history.place.url, { migrations: 'unchecked' })
    await source.backup(copy)
    const file = new DatabaseSync(copy, { enableForeignKeyConstraints: false })
    file.prepare('DELETE FROM agent_budgets WHERE agent_id = ?').run(history.agentId)
    file.close()
    await using database = await openDatabase(copy, { migrations: 'unchecked' })
    const kept = { audit: undefined, ledger: [{ agentId: history.agentId, seq: 1, hash: 'a'.repeat(64) }] }
    for (const heads of [NO_HEADS, kept]) {
      const { ledger: ofAgents } = await examineRows(database, new AuditLog(database), heads)
      const differences = [{ seq: null, what: 'agent missing', cached: 0, ledger: 1 }]
      expect(ofAgents).toMatchObject({
        ok: false,
        agents: [{ agentId: history.agentId, seq: null, fault: 'missing', differences }],
      })
    }
    rmSync(folder, { recursive: true })
  })

  test('as a command: heads are saved and expected, findings are printed and exit with 1, nothing is written', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'iron-heads-'))
    const file = path.join(folder, 'kept')
    await attacker.rearm()
    const run = (...args: string[]): Promise<Record<'code' | 'out' | 'err', string>> =>
      iron({ DATABASE_URL: history.place.url }, ['verify', ...args])
    const sound = await run('--save-heads', file)
    expect(sound).toMatchObject({ code: '0', err: '' })
    // PostgreSQL looks after its own pages.
    expect(sound.out.startsWith('file    ok\n')).toBe(dialect === 'sqlite')
    expect(sound.out).toMatch(
      /^(?:file {4}ok\n)?schema {2}ok\naudit {3}ok, \d+ entries, head \d+:[0-9a-f]{64}\nledger {2}ok, 2 agents\nlists {3}ok\n$/,
    )
    const kept = readFileSync(file, 'utf8').trim().split('\n')
    expect(kept.length).toBe(3)
    expect(kept[0]).toBe(formatHead(await audit.head()))

    await attacker.disarm()
    const middle = ledger[4] as Row
    await attacker.rows('DELETE FROM ledger_entries WHERE agent_id = ? AND seq = ?', history.agentId, middle.seq)
    await attacker.rows("UPDATE audit_log SET reason = 'another' WHERE seq = 5")
    await attacker.rows("INSERT INTO list_counts (list, part, shard, entries) VALUES ('users', 'user active', 9, 3)")
    const broken = await run('--expect-file', file, '--json', '--save-heads', `${file}-never`)
    expect(broken).toMatchObject({ code: '1', err: '' })
    const findings = JSON.parse(broken.out) as Record<string, unknown>
    expect(findings).toMatchObject({
      ok: false,
      schema: { ok: false },
      audit: { ok: false, seq: 5, fault: 'changed' },
      ledger: { ok: false, checked: 2, agents: [{ agent_id: history.agentId, seq: middle.seq, fault: 'missing' }] },
      lists: { ok: false, differences: [{ table: 'list_counts', key: 'users user active', what: 'entries' }] },
    })
    await attacker.rows("INSERT INTO agent_events (agent_id, seq) VALUES ('nobody', 7)")
    const { out } = await run()
    expect(out).toMatch(/^lists {3}list_counts users user active, entries: \d+, by the rows \d+$/m)
    expect(out).toMatch(/^lists {3}agent_events nobody, events: not what the rows say$/m)
    expect(() => readFileSync(`${file}-never`)).toThrow('ENOENT')
    expect(await attacker.rows('SELECT * FROM audit_log')).toHaveLength(entries.length)
    rmSync(folder, { recursive: true })
  }, 60_000)
})
