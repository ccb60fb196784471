import { DatabaseError } from '../errors.ts'
import type { IronDatabase } from '../iron-database.ts'
import { PostgresDatabase } from '../postgres/postgres-database.ts'
import { SqliteDatabase } from '../sqlite/sqlite-database.ts'
import { copyAll, type Copied, type CopyOptions, type CopySide } from './copy-all.ts'

/**
 * Copies everything into an empty database with the same migrations, of the same or the other engine. The source may be in use:
 * it is read in one snapshot. The target gets all rows in one transaction, and they are compared value by value before it commits;
 * on PostgreSQL its role must own the tables.
 *
 * @throws {DatabaseError} COPY_REFUSED when the target holds data, or is the source; SCHEMA_MISMATCH unless both have the same migrations;
 * COPY_FAILED when what arrived differs. Nothing is written then.
 */
export async function copyDatabase(
  source: IronDatabase,
  target: IronDatabase,
  options: CopyOptions = {},
): Promise<Copied> {
  if (source === target) {
    throw new DatabaseError('COPY_REFUSED', 'a database is not copied into itself', { details: { reason: 'same' } })
  }
  return copyAll(sideOf(source), sideOf(target), options)
}

function sideOf(db: IronDatabase): CopySide {
  if (db instanceof PostgresDatabase) {
    return { dialect: db.dialect, snapshot: (work) => db.snapshot(work), exclusive: (work) => db.exclusive(work) }
  }
  if (db instanceof SqliteDatabase) {
    // In memory there is one connection, and whoever has it to himself sees one state.
    const snapshot: CopySide['snapshot'] =
      db.file === undefined ? (work) => db.exclusive(work) : (work) => db.read((tx) => work(tx.sql))
    return { dialect: db.dialect, snapshot, exclusive: (work) => db.exclusive(work) }
  }
  throw new DatabaseError('VALIDATION_ERROR', 'not a handle of openDatabase', {
    details: { fields: { db: 'is not open' } },
  })
}
