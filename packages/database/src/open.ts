import { type Clock, systemClock } from './clock.ts'
import { createIdSource, type IdSource } from './ids.ts'
import type { IronDatabase } from './iron-database.ts'
import { applyMigrations } from './migrate/apply.ts'
import type { MigrationHost } from './migrate/host.ts'
import { isAsRecorded } from './migrate/recheck-schema.ts'
import { PostgresDatabase } from './postgres/postgres-database.ts'
import { makeFolder, parseSource, type Source, urlOf } from './source.ts'
import { SqliteDatabase } from './sqlite/sqlite-database.ts'
import { DatabaseError } from './errors.ts'
import { Faults } from './faults.ts'
import { packageVersion } from './version.ts'

/** Options every service of the house takes. */
export interface ServiceOptions {
  /** Default: the wall clock. */
  readonly clock?: Clock | undefined
  /** Default: UUIDv7 ids on that clock. */
  readonly ids?: IdSource | undefined
}

/** Options of {@link openDatabase}. */
export interface OpenOptions extends ServiceOptions {
  /**
   * `apply` (default) runs the missing steps; `verify` refuses a schema that is not exactly this version's. `unchecked` takes what
   * is there as it is, for tools that examine a damaged database; {@link verifySchema} then says what is wrong. Only `apply`
   * makes a SQLite file that is missing.
   */
  readonly migrations?: 'apply' | 'verify' | 'unchecked' | undefined
  /** Reader threads of a SQLite file. Default 4; with 0 reads run on the caller's thread, for one that does nothing else. */
  readonly readers?: number | undefined
  /** How long SQLite waits for another process's lock, in milliseconds. Default 5 000. */
  readonly busyTimeoutMs?: number | undefined
  /** How long a write may take in all, in milliseconds. Default 10 000. */
  readonly writeTimeoutMs?: number | undefined
  /** Told what went wrong where nobody waits: after-commit work, idle connections. Default: `process.emitWarning`. */
  readonly onBackgroundError?: ((error: unknown) => void) | undefined
}

const MIGRATIONS = ['apply', 'verify', 'unchecked'] as const
/** Most reader threads: far more than a machine has processors. */
const READERS_MAX = 1_024
/** The longest that SQLite and timers can wait, in milliseconds: some 24 days. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

/** Options of this package's own test helpers. */
export interface InternalOpenOptions extends OpenOptions {
  /** Start `:memory:` from this image of a migrated database. */
  readonly image?: Buffer | undefined
}

/**
 * Opens SQLite or PostgreSQL and brings its schema to this version. What it refuses says in `details.database` which one, without
 * password.
 *
 * @throws {DatabaseError} UNSUPPORTED_URL, VALIDATION_ERROR, DATABASE_UNAVAILABLE, SCHEMA_MISMATCH, MIGRATION_CHECKSUM_MISMATCH,
 * MIGRATION_FAILED
 */
export async function openDatabase(source: string | URL, options: OpenOptions = {}): Promise<IronDatabase> {
  checkOptions(options)
  const place = parseSource(source)
  let database: SqliteDatabase | PostgresDatabase | undefined
  try {
    database = await connect(place, options)
    const { image, migrations: mode = 'apply' } = options as InternalOpenOptions
    if (image === undefined && mode !== 'unchecked') {
      await applyMigrations(hostOf(database), { mode, appVersion: packageVersion() })
    }
    return database
  } catch (error) {
    await database?.close()
    throw withPlace(error, place)
  }
}

function withPlace(error: unknown, place: Source): unknown {
  if (!(error instanceof DatabaseError)) return error
  const { code, message, details, retryable, cause } = error
  return new DatabaseError(code, message, { details: { ...details, database: urlOf(place) }, retryable, cause })
}

/**
 * Brings an open database to this version's schema.
 *
 * @returns the numbers of the steps that ran, and the schema's version now
 */
export function migrate(db: IronDatabase): Promise<{ applied: number[]; version: number }> {
  return applyMigrations(hostOf(db), { mode: 'apply', appVersion: packageVersion() })
}

/**
 * Looks closely at the schema of an open database and changes nothing: it is compared with one made here and now (on PostgreSQL
 * as far as the role may create one), not only with its recorded fingerprint.
 *
 * @throws {DatabaseError} SCHEMA_MISMATCH unless it is exactly this version's: `details.reason`, and of a `dirty` one
 * `details.differences`; MIGRATION_CHECKSUM_MISMATCH
 */
export async function verifySchema(db: IronDatabase): Promise<void> {
  await applyMigrations(hostOf(db), { mode: 'verify', closely: true, appVersion: packageVersion() })
}

/**
 * Looks again, while a server runs, whether an open database has this version's schema: a few reads of the catalog that hold up
 * nobody, and {@link verifySchema} only when they find it changed. What a newer version has added meanwhile is no change of it.
 *
 * @throws {DatabaseError} SCHEMA_MISMATCH, MIGRATION_CHECKSUM_MISMATCH, DATABASE_UNAVAILABLE
 */
export async function recheckSchema(db: IronDatabase): Promise<void> {
  const unchanged = await db.read((tx) => isAsRecorded(tx.sql, db.dialect))
  if (!unchanged) await verifySchema(db)
}

function checkOptions({ migrations, readers, busyTimeoutMs, writeTimeoutMs }: OpenOptions): void {
  const faults = new Faults()
  if (migrations !== undefined) faults.oneOf('migrations', migrations, MIGRATIONS)
  if (readers !== undefined) faults.integer('readers', readers, 0, READERS_MAX)
  if (busyTimeoutMs !== undefined) faults.integer('busyTimeoutMs', busyTimeoutMs, 0, TIMEOUT_MS_MAX)
  if (writeTimeoutMs !== undefined) faults.integer('writeTimeoutMs', writeTimeoutMs, 1, TIMEOUT_MS_MAX)
  faults.throwIfAny((details) => new DatabaseError('VALIDATION_ERROR', 'the options are not valid', { details }))
}

async function connect(place: Source, options: InternalOpenOptions): Promise<SqliteDatabase | PostgresDatabase> {
  const clock = options.clock ?? systemClock
  const ids = options.ids ?? createIdSource(clock)
  const report = options.onBackgroundError ?? warn
  if (place.dialect === 'postgres') {
    const { writeTimeoutMs } = options
    return PostgresDatabase.open({ url: place.url, clock, ids, writeTimeoutMs, report })
  }
  const mustExist = (options.migrations ?? 'apply') !== 'apply'
  if (!mustExist) makeFolder(place.file)
  const { readers, busyTimeoutMs, writeTimeoutMs, image } = options
  const { file } = place
  return new SqliteDatabase({ file, mustExist, clock, ids, readers, busyTimeoutMs, writeTimeoutMs, image, report })
}

function hostOf(db: IronDatabase): MigrationHost {
  if (!(db instanceof SqliteDatabase) && !(db instanceof PostgresDatabase)) {
    throw new DatabaseError('VALIDATION_ERROR', 'not a handle of openDatabase', {
      details: { fields: { db: 'is not open' } },
    })
  }
  return {
    dialect: db.dialect,
    exclusive: (work) => db.exclusive(work),
    now: () => db.clock.now(),
    ...(db instanceof SqliteDatabase && db.file !== undefined ? { backup: () => db.backupBeforeMigration() } : {}),
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)))
}
