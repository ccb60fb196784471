/** Where test databases are: private files, and copies of a migrated PostgreSQL database. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { postgresForTests } from '@iron/test-kit'
import type { Client, Pool } from 'pg'
import { DatabaseError } from './errors.ts'
import { migrations } from './migrate/migrations.ts'
import { openDatabase } from './open.ts'
import { loadDriver } from './postgres/client.ts'
import type { DialectName } from './transaction.ts'

/** Where a test database is, and how it goes away. */
export interface TestPlace {
  readonly url: string
  readonly remove: () => Promise<void>
}

/** A place of a test's own for a server process to open: a file in a private folder, or a migrated PostgreSQL database. */
export function createTestPlace(dialect: DialectName): Promise<TestPlace> {
  return dialect === 'postgres' ? postgresPlace() : Promise.resolve(filePlace())
}

/** A file that is not there yet, in a private folder. */
export function filePlace(): TestPlace {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-test-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  return {
    url: path.join(folder, 'test.db'),
    remove: async () => {
      process.off('exit', remove)
      remove()
    },
  }
}

interface Template {
  readonly url: string
  readonly name: string
  readonly strategy: string
}

let template: Promise<Template> | undefined

/** A copy of the migrated template: fifty times faster than running the migrations again. */
export async function postgresPlace(): Promise<TestPlace> {
  template ??= findOrMakeTemplate()
  const { url, name, strategy } = await template
  const database = `${TEST_PREFIX}${String(process.pid)}_${randomBytes(6).toString('hex')}`
  administrators ??= administratorsOf(url)
  const pool = await administrators
  await pool.query(`CREATE DATABASE ${database} TEMPLATE ${name}${strategy}`)
  return {
    url: databaseUrl(url, database),
    remove: async () => {
      await pool.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
    },
  }
}

/** Databases are made and dropped over the same few connections, each of which costs more than the dropping. */
let administrators: Promise<Pool> | undefined
const ADMINISTRATORS_MAX = 4
/** How long one that is not needed stays, in milliseconds. */
const ADMINISTRATOR_IDLE_MS = 2_000

async function administratorsOf(url: string): Promise<Pool> {
  const driver = await loadDriver()
  const pool = new driver.Pool({
    connectionString: url,
    max: ADMINISTRATORS_MAX,
    idleTimeoutMillis: ADMINISTRATOR_IDLE_MS,
    allowExitOnIdle: true,
  })
  // A service that a test has stopped takes its idle connections with it; who asks next is told.
  pool.on('error', () => undefined)
  return pool
}

/** Databases of tests; the process id in the name tells which ones a killed run left behind. */
const TEST_PREFIX = 'iron_test_'
/** The template carries the schema's checksums in its name, so that it is never stale. */
const TEMPLATE_PREFIX = 'iron_template_'
/** Templates kept on a server: checkouts with different schemas test at the same time. */
const TEMPLATES_MAX = 8
/** Names the advisory lock under which templates are made and swept. */
const TEMPLATE_LOCK = 7_303_014

async function findOrMakeTemplate(): Promise<Template> {
  const service = await postgresForTests()
  if (service === undefined) {
    throw new DatabaseError('DATABASE_UNAVAILABLE', 'no PostgreSQL answers and none is installed')
  }
  const checksums = migrations.map(({ checksum }) => checksum).join()
  const name = `${TEMPLATE_PREFIX}${createHash('sha256').update(checksums).digest('hex').slice(0, 16)}`
  return administer(service.url, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK])
    const found: Template = { url: service.url, name, strategy: await strategyOf(client) }
    const { rows } = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1) OR starts_with(datname, $2) ORDER BY oid',
      [TEMPLATE_PREFIX, TEST_PREFIX],
    )
    const known = rows.map((row) => row.datname)
    for (const left of known.filter(isAbandoned)) await client.query(`DROP DATABASE IF EXISTS ${left} WITH (FORCE)`)
    if (known.includes(name)) return found
    const templates = known.filter((other) => other.startsWith(TEMPLATE_PREFIX))
    for (const stale of templates.slice(0, Math.max(0, templates.length + 1 - TEMPLATES_MAX))) {
      await client.query(`DROP DATABASE IF EXISTS ${stale} WITH (FORCE)`)
    }
    const unfinished = `${TEST_PREFIX}${String(process.pid)}_template`
    await client.query(`CREATE DATABASE ${unfinished} ENCODING 'UTF8' TEMPLATE template0`)
    const db = await openDatabase(databaseUrl(service.url, unfinished))
    await db.close()
    await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${name}`)
    return found
  })
}

/**
 * Without fsync copying the template's files takes a third of the time that writing them to the log does; with it each of some 500
 * files would wait for the disk. Before version 15 there was no other way and no name for it.
 */
async function strategyOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ fsync: string; version: number }>(
    `SELECT current_setting('fsync') AS fsync, current_setting('server_version_num')::int AS version`,
  )
  const [{ fsync, version }] = rows as [{ fsync: string; version: number }]
  return fsync === 'off' && version >= 150_000 ? ' STRATEGY file_copy' : ''
}

/** Whether the process that made a test database is gone. */
function isAbandoned(database: string): boolean {
  if (!database.startsWith(TEST_PREFIX)) return false
  const pid = Number(database.slice(TEST_PREFIX.length).split('_')[0])
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

function databaseUrl(url: string, database: string): string {
  const parsed = new URL(url)
  parsed.pathname = `/${database}`
  return parsed.href
}

async function administer<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const driver = await loadDriver()
  const client = new driver.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
