import type { IronDatabase } from '../iron-database.ts'
import type { AtTx } from '../transaction.ts'
import { copiedTables, countRows } from './copied-tables.ts'

/** How many rows every table has, as one snapshot sees them. */
export function tableCounts(db: IronDatabase, options: AtTx = {}): Promise<Readonly<Record<string, number>>> {
  return db.read(async ({ sql }) => {
    const counts: Record<string, number> = {}
    for (const { name } of await copiedTables(sql, db.dialect)) counts[name] = await countRows(sql, name)
    return Object.freeze(counts)
  }, options)
}
