import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'
import type { Database } from 'better-sqlite3'
import { DatabaseError } from '../errors.ts'
import { makeFolder, parseSource } from '../source.ts'
import { BUSY_TIMEOUT_MS } from './connection.ts'
import { openConnection } from './driver.ts'
import { sqliteFailure } from './failure.ts'

/**
 * Claims a SQLite file for one server: its caches and wake-ups live in one process, so of two servers each would miss what the
 * other does. The claim is a lock on `<file>.lock`, which the operating system lets go with the process, however it ends. Tools
 * that read or write beside a server (`iron verify`, `iron backup`) need no claim. Does nothing for PostgreSQL and `:memory:`.
 *
 * @param waitMs how long another process may take to end, in milliseconds
 * @throws {DatabaseError} DATABASE_BUSY when another process has it; DATABASE_UNAVAILABLE when the file or its folder cannot be
 * written, which SQLite itself tells only whoever writes
 */
export function claimDatabase(source: string | URL, waitMs: number = BUSY_TIMEOUT_MS): Disposable {
  const place = parseSource(source)
  if (place.dialect === 'postgres' || place.file === ':memory:') return { [Symbol.dispose]: () => undefined }
  const { file } = place
  makeFolder(file)
  requireWritable(path.dirname(file))
  if (existsSync(file)) requireWritable(file)
  const lock = lockOn(`${file}.lock`, file, waitMs)
  return { [Symbol.dispose]: () => void lock.close() }
}

function requireWritable(place: string): void {
  try {
    accessSync(place, constants.W_OK)
  } catch (cause) {
    const details = { reason: (cause as NodeJS.ErrnoException).code ?? null }
    throw new DatabaseError('DATABASE_UNAVAILABLE', `${place} cannot be written`, { details, cause })
  }
}

function lockOn(name: string, file: string, waitMs: number): Database {
  try {
    const lock = openConnection(name, { timeout: waitMs })
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    const failure = sqliteFailure(error)
    if (!(failure instanceof DatabaseError) || failure.code !== 'DATABASE_BUSY') throw failure
    const text = `another server serves ${file}: stop it first, or use PostgreSQL, which several may serve`
    throw new DatabaseError('DATABASE_BUSY', text, { details: { file }, retryable: true, cause: failure.cause })
  }
}
