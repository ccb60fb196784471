import type { IronDatabase } from '../iron-database.ts'
import { openDatabase } from '../open.ts'
import { writeNewFile } from '../sqlite/write-new-file.ts'
import type { CopyOptions } from './copy-all.ts'
import { copyDatabase } from './copy-database.ts'

/** Copies a database into a new SQLite file. */
export function backupToSqlite(db: IronDatabase, file: string, options: CopyOptions): Promise<void> {
  return writeNewFile(file, async (draft) => {
    await using copy = await openDatabase(draft, { clock: db.clock, ids: db.ids })
    await copyDatabase(db, copy, options)
  })
}
