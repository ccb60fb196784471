/** The file of the development database, and what protects it: nothing is deleted or filled that somebody needs. */
import { existsSync, rmSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import path from 'node:path'
import Database from 'better-sqlite3'
import { type ControlApiConfig, RefusedError, sqliteFile } from '@iron/control-api/development'
import { openDatabase } from '@iron/database'

/** What SQLite keeps beside a file while it is in use. */
const BESIDE = ['-wal', '-shm', '-journal'] as const

/**
 * The file that may be deleted or filled.
 *
 * @throws {RefusedError} in production, for a database that is no local file, and for one that another process has open
 */
export function disposableFile(config: ControlApiConfig): string {
  if (config.environment === 'production') {
    throw new RefusedError(
      'IRON_ENV is production: a production database is neither deleted nor seeded; unset IRON_ENV',
    )
  }
  const file = localFile(config)
  refuseInUse(file)
  return file
}

/** The file behind DATABASE_URL. @throws {RefusedError} when there is none */
export function localFile({ databaseUrl }: ControlApiConfig): string {
  const file = sqliteFile(databaseUrl)
  if (file !== undefined && file !== ':memory:') return file
  throw new RefusedError(
    'DATABASE_URL is no SQLite file: unset it to work on ./iron.db, or use the tools of that database',
  )
}

/** Asks for the whole file, which is refused while anybody else has it open: a server, a prompt, another command. */
function refuseInUse(file: string): void {
  if (!existsSync(file)) return
  const probe = new Database(file, { timeout: 0 })
  try {
    probe.pragma('locking_mode = EXCLUSIVE')
    probe.exec('BEGIN EXCLUSIVE; ROLLBACK')
  } catch (error) {
    // A file that is no database any more is nobody's.
    if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) return
    throw new RefusedError(`${path.basename(file)} is in use by another process: stop the server or the prompt first`)
  } finally {
    probe.close()
  }
}

/** Deletes a database; the secrets beside it stay, because backups need them. */
export function deleteDatabase(file: string): void {
  for (const each of [file, ...BESIDE.map((suffix) => `${file}${suffix}`)]) rmSync(each, { force: true })
}

/** Where backups of a database go, named by the time (UTC). */
export function backupPath(file: string, now: Date): string {
  const time = now.toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '')
  return path.join(path.dirname(file), 'backups', `iron_${time}.db`)
}

/** Copies a database that may be in use into a new file. @throws {DatabaseError} */
export async function backUp(file: string, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true })
  await using database = await openDatabase(file, { migrations: 'unchecked' })
  await database.backup(target)
}

/** The same for one that nobody uses and that may be damaged: its bytes are better than nothing. */
export async function backUpWhatIsThere(file: string, target: string): Promise<void> {
  try {
    await backUp(file, target)
  } catch {
    await copyFile(file, target)
  }
}
