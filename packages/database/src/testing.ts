import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type ManualClock, manualClock, postgresForTests, seededIds } from '@iron/test-kit'
import type { Client } from 'pg'
import { DatabaseError } from './errors.ts'
import type { IronDatabase } from './iron-database.ts'
import { migrations } from './migrate/migrations.ts'
import { type InternalOpenOptions, openDatabase } from './open.ts'
import { loadDriver } from './postgres/client.ts'
import { SqliteDatabase } from './sqlite/sqlite-database.ts'
import type { DialectName, PreparedQuery } from './transaction.ts'

export { explain, type ExplainOptions, type PlannedStatement, plansOf, recordStatements } from './query-plans.ts'
export {
  asToldIn,
  enginesForTests,
  type ManualClock,
  manualClock,
  Names,
  seededIds,
  seededRandom,
} from '@iron/test-kit'

/** What a test database is opened with. */
export interface TestDbOptions {
  /** Default `sqlite`. */
  readonly dialect?: DialectName | undefined
  /** SQLite only. Default `memory`; `file` has reader threads and lives in a private temporary folder. */
  readonly storage?: 'memory' | 'file' | undefined
  /** Of the id source. Default 1. */
  readonly seed?: number | undefined
  /** Where the clock stands, epoch ms. Default 2026-01-15T12:00:00.000Z. */
  readonly at?: number | undefined
  /** SQLite in memory only: start from this {@link TestDb.image} instead of an empty database. */
  readonly image?: Buffer | undefined
}

/** A migrated database of a test's own, with a clock that the test moves. */
export interface TestDb extends AsyncDisposable {
  readonly db: IronDatabase
  readonly clock: ManualClock
  close(): Promise<void>
  /** The first column of the first row. `?` stands for a parameter on both engines. */
  scalar<T>(sql: string, ...parameters: unknown[]): Promise<T>
  rows<T>(sql: string, ...parameters: unknown[]): Promise<T[]>
  /** The whole database, for tests that start from a furnished one. @throws {Error} on PostgreSQL */
  image(): Buffer
}

/**
 * Opens a database that shares nothing with any other: memory, a temporary file, or a PostgreSQL database of its own that is
 * dropped at the end.
 *
 * @throws {DatabaseError} DATABASE_UNAVAILABLE when `postgres` is asked for and none can be had
 */
export async function createTestDb(options: TestDbOptions = {}): Promise<TestDb> {
  const clock = manualClock(options.at)
  const ids = seededIds(options.seed ?? 1, clock)
  const place =
    options.dialect === 'postgres'
      ? await postgresPlace()
      : options.storage === 'file'
        ? filePlace()
        : { url: ':memory:', image: options.image ?? (await migratedImage()), remove: async () => {} }
  const opening: InternalOpenOptions = { clock, ids, image: place.image, onBackgroundError: rethrow }
  const db = await openDatabase(place.url, opening)
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => (closed ??= db.close().then(place.remove))
  const rows = <T>(sql: string, ...parameters: unknown[]): Promise<T[]> =>
    db.write(async (tx) => (await tx.execute<T>(rawQuery(sql, parameters, db.dialect))).rows)
  return {
    db,
    clock,
    close,
    rows,
    image: () => imageOf(db),
    scalar: async <T>(sql: string, ...parameters: unknown[]): Promise<T> => {
      const [row] = await rows<Record<string, T>>(sql, ...parameters)
      return Object.values(row ?? {})[0] as T
    },
    [Symbol.asyncDispose]: close,
  }
}

/** Where a test database is, and how it goes away. */
export interface TestPlace {
  readonly url: string
  readonly remove: () => Promise<void>
}

interface Place extends TestPlace {
  readonly image?: Buffer | undefined
}

/** A place of a test's own for a server process to open: a file in a private folder, or a migrated PostgreSQL database. */
export function createTestPlace(dialect: DialectName): Promise<TestPlace> {
  return dialect === 'postgres' ? postgresPlace() : Promise.resolve(filePlace())
}

let image: Promise<Buffer> | undefined

/** The migrated schema is made once per process and copied, not run again for every test (rulings R13). */
function migratedImage(): Promise<Buffer> {
  image ??= openDatabase(':memory:').then(async (db) => {
    const bytes = imageOf(db)
    await db.close()
    return bytes
  })
  return image
}

function imageOf(db: IronDatabase): Buffer {
  if (!(db instanceof SqliteDatabase)) throw new Error('only SQLite has images')
  return db.image()
}

function filePlace(): Place {
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

let template: Promise<{ readonly admin: string; readonly name: string }> | undefined

/** A copy of the migrated template: fifty times faster than running the migrations again. */
async function postgresPlace(): Promise<Place> {
  template ??= findOrMakeTemplate()
  const { admin, name } = await template
  const database = `${TEST_PREFIX}${String(process.pid)}_${randomBytes(6).toString('hex')}`
  await administer(admin, (client) => client.query(`CREATE DATABASE ${database} TEMPLATE ${name}`))
  return { url: databaseUrl(admin, database), remove: () => drop(admin, database) }
}

/** Databases of tests; the process id in the name tells which ones a killed run left behind. */
const TEST_PREFIX = 'iron_test_'
/** The template carries the schema's checksums in its name, so that it is never stale. */
const TEMPLATE_PREFIX = 'iron_template_'
/** Templates kept on a server: checkouts with different schemas test at the same time. */
const TEMPLATES_MAX = 8
/** Names the advisory lock under which templates are made and swept. */
const TEMPLATE_LOCK = 7_303_014

async function findOrMakeTemplate(): Promise<{ readonly admin: string; readonly name: string }> {
  const service = await postgresForTests()
  if (service === undefined) {
    throw new DatabaseError('DATABASE_UNAVAILABLE', 'no PostgreSQL answers and none is installed')
  }
  const checksums = migrations.map(({ checksum }) => checksum).join()
  const name = `${TEMPLATE_PREFIX}${createHash('sha256').update(checksums).digest('hex').slice(0, 16)}`
  await administer(service.url, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK])
    const { rows } = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1) OR starts_with(datname, $2) ORDER BY oid',
      [TEMPLATE_PREFIX, TEST_PREFIX],
    )
    const known = rows.map((row) => row.datname)
    for (const left of known.filter(isAbandoned)) await client.query(`DROP DATABASE IF EXISTS ${left} WITH (FORCE)`)
    if (known.includes(name)) return
    const templates = known.filter((other) => other.startsWith(TEMPLATE_PREFIX))
    for (const stale of templates.slice(0, Math.max(0, templates.length + 1 - TEMPLATES_MAX))) {
      await client.query(`DROP DATABASE IF EXISTS ${stale} WITH (FORCE)`)
    }
    const unfinished = `${TEST_PREFIX}${String(process.pid)}_template`
    await client.query(`CREATE DATABASE ${unfinished} ENCODING 'UTF8' TEMPLATE template0`)
    const db = await openDatabase(databaseUrl(service.url, unfinished))
    await db.close()
    await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${name}`)
  })
  return { admin: service.url, name }
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

function drop(admin: string, database: string): Promise<void> {
  return administer(admin, (client) => client.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`))
}

function databaseUrl(url: string, database: string): string {
  const parsed = new URL(url)
  parsed.pathname = `/${database}`
  return parsed.href
}

async function administer(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const driver = await loadDriver()
  const client = new driver.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function rawQuery(sql: string, parameters: readonly unknown[], dialect: DialectName): PreparedQuery {
  let position = 0
  const text = dialect === 'postgres' ? sql.replace(/\?/g, () => `$${String((position += 1))}`) : sql
  return { sql: text, parameters }
}

function rethrow(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
