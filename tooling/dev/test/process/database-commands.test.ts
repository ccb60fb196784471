/** The `db:` commands as a developer types them, on a database of their own; `dev:fresh` runs db:reset-seed and the validators. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { afterAll, expect, test } from '@jest/globals'
import { bundle } from '@iron/test-kit/bundle'

const program = await bundle(fileURLToPath(new URL('../../src/main.ts', import.meta.url)))
const folder = mkdtempSync(path.join(tmpdir(), 'iron-dev-'))
const file = path.join(folder, 'iron.db')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(args: readonly string[], options: { input?: string; env?: Record<string, string> } = {}) {
  const child = spawn(process.execPath, ['--conditions=@iron/source', program, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: `sqlite:${file}`, IRON_ENV: 'development', ...options.env },
  })
  child.stdin.end(options.input ?? '')
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, out, err } as Outcome
}

async function runs(...args: readonly string[]): Promise<string> {
  const outcome = await run(args)
  if (outcome.code !== 0)
    throw new Error(`${args.join(' ')}: exit code ${String(outcome.code)}\n${outcome.out}${outcome.err}`)
  return outcome.out
}

const count = (table: string): number => {
  using database = open()
  return (database.connection.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n
}

function open(): Disposable & { readonly connection: Database.Database } {
  const connection = new Database(file, { readonly: true })
  return { connection, [Symbol.dispose]: () => void connection.close() }
}

test('a database from its creation to its restoration', async () => {
  await runs('db:migrate')
  expect(count('users')).toBe(0)

  expect(await runs('db:seed')).toMatch(/^seeded {4}as of \d{4}-.*\nagent {5}ic_/)
  const users = count('users')
  expect(users).toBeGreaterThan(2)
  const again = await run(['db:seed'])
  expect(again.code).toBe(3)
  expect(again.err).toContain('db:reset')
  expect(count('users')).toBe(users)

  expect(await runs('db:tables')).toMatch(new RegExp(`'users' +│ ${users} `))
  expect(await runs('db:users')).toContain('admin@iron.test')
  expect(await runs('db:tokens')).toMatch(/revoked/)
  expect(await runs('db:usage')).toMatch(/support-triage/)
  expect(await runs('db:schema')).toMatch(/^CREATE TABLE "?users\b/m)
  expect(await runs('db:verify')).toMatch(/ledger +ok/)

  expect(await runs('db:inspect', 'SELECT count(*) AS people FROM users')).toContain(String(users))
  expect((await run(['db:inspect', 'DELETE FROM users'])).code).toBe(1)
  expect((await run(['db:inspect'], { input: 'SELECT 40 + 2 AS answer;\n' })).out).toContain('42')
  expect(count('users')).toBe(users)

  const kept = path.join(folder, 'kept.db')
  await runs('db:backup', kept)
  expect((await run(['db:clean'])).code).toBe(3)
  expect(existsSync(file)).toBe(true)
  await runs('db:clean', '--yes')
  expect(existsSync(file)).toBe(false)
  await runs('db:restore', kept)
  expect(count('users')).toBe(users)

  writeFileSync(path.join(folder, 'broken.db'), 'no database')
  const broken = await run(['db:restore', path.join(folder, 'broken.db')])
  expect(broken.code).toBe(3)
  expect(broken.err).toContain('nothing was restored')
  expect(count('users')).toBe(users)

  expect(await runs('db:reset')).toMatch(/^backup .*\ncreated /)
  expect(count('users')).toBe(0)
}, 180_000)

test('nothing is deleted in production, while it is in use, or where there is no file', async () => {
  const server = new Database(file)
  server.prepare('SELECT count(*) FROM users').get()
  const reader = server.prepare('SELECT id FROM users').iterate()
  reader.next()
  const inUse = await run(['db:clean', '--yes'])
  reader.return?.()
  server.close()
  expect({ code: inUse.code, told: inUse.err.includes('in use') }).toEqual({ code: 3, told: true })

  const production = {
    IRON_ENV: 'production',
    JWT_SECRET: 'x'.repeat(48),
    IC_TOKEN_SECRET: 'y'.repeat(48),
    IRON_MASTER_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64')}`,
  }
  for (const command of [['db:clean', '--yes'], ['db:reset'], ['db:seed']]) {
    const refused = await run(command, { env: production })
    expect({ command, code: refused.code, err: refused.err }).toEqual({
      command,
      code: 3,
      err: expect.stringContaining('production'),
    })
  }
  const nowhere = await run(['db:reset'], { env: { DATABASE_URL: 'mysql://127.0.0.1:1/iron' } })
  expect({ code: nowhere.code, told: nowhere.err.includes('DATABASE_URL') }).toEqual({ code: 2, told: true })

  const elsewhere = await run(['db:reset'], { env: { DATABASE_URL: 'postgres://127.0.0.1:1/iron' } })
  expect({ code: elsewhere.code, told: elsewhere.err.includes('DATABASE_URL') }).toEqual({ code: 3, told: true })
  expect(existsSync(file)).toBe(true)
}, 60_000)
