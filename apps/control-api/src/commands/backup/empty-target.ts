import { DatabaseError, type IronDatabase, openDatabase } from '@iron/database'
import { RefusedError } from '../../command-line/exit-codes.ts'

/**
 * Opens the database that is to be filled: an empty one gets this version's schema, a missing SQLite file is made. One that holds
 * anything is refused before it is touched, and so is not migrated by mistake.
 *
 * @throws {RefusedError}; {DatabaseError}
 */
export async function openTarget(url: string): Promise<IronDatabase> {
  try {
    return await openDatabase(url, { migrations: 'verify' })
  } catch (error) {
    if (!isEmptyOrMissing(error)) throw error
  }
  return openDatabase(url, { migrations: 'apply' })
}

function isEmptyOrMissing(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false
  const { code, details } = error
  if (code === 'DATABASE_UNAVAILABLE') return true
  if (code !== 'SCHEMA_MISMATCH') return false
  if (details['reason'] === 'outdated' && details['holdsData'] === false) return true
  throw new RefusedError(`the target is not empty: ${error.message}. Only an empty database is filled`)
}
