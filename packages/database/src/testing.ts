import { type ManualClock, manualClock, seededIds } from '@iron/test-kit'
import type { IronDatabase } from './iron-database.ts'
import { type InternalOpenOptions, openDatabase } from './open.ts'
import { SqliteDatabase } from './sqlite/sqlite-database.ts'
import { filePlace, postgresPlace, type TestPlace } from './test-places.ts'
import type { DialectName, PreparedQuery } from './transaction.ts'

export { createTestPlace, type TestPlace } from './test-places.ts'
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
  const place = await placeOf(options)
  const opening: InternalOpenOptions = { clock, ids, onBackgroundError: rethrow, ...place.opening }
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

interface Place extends TestPlace {
  readonly opening?: Pick<InternalOpenOptions, 'image' | 'migrations'>
}

async function placeOf({ dialect, storage, image: given }: TestDbOptions): Promise<Place> {
  // A copy of the template needs no look at its schema, which takes longer than the copy.
  if (dialect === 'postgres') return { ...(await postgresPlace()), opening: { migrations: 'unchecked' } }
  if (storage === 'file') return filePlace()
  return { url: ':memory:', opening: { image: given ?? (await migratedImage()) }, remove: async () => {} }
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
