import type { IronDatabase } from './iron-database.ts'
import type { AtTx } from './transaction.ts'

/** What SQLite names at most: one damaged page is enough to restore a backup. */
const FAULTS_MAX = 100

/**
 * What is damaged in a SQLite file itself, in SQLite's words; none when every page of it can be read and belongs where it is. Rows of
 * other tables may be whole then: a disk damages pages, not tables. Reads the whole file. Of PostgreSQL, which looks after its own pages
 * (`data_checksums`, `amcheck`), nothing is asked.
 *
 * @throws {DatabaseError} DATABASE_UNAVAILABLE when it is so damaged that it cannot be looked at
 */
export async function verifyFile(db: IronDatabase, options: AtTx = {}): Promise<readonly string[]> {
  if (db.dialect !== 'sqlite') return []
  const query = { sql: `PRAGMA quick_check(${String(FAULTS_MAX)})`, parameters: [] }
  const { rows } = await db.read((tx) => tx.execute<{ quick_check: string }>(query), options)
  return rows.map(({ quick_check: said }) => said).filter((said) => said !== 'ok')
}
