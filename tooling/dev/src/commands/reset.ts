import { existsSync } from 'node:fs'
import path from 'node:path'
import { loadConfig } from '@iron/control-api/development'
import { openDatabase } from '@iron/database'
import { backupPath, backUpWhatIsThere, deleteDatabase, disposableFile } from '../database-file.ts'
import { say } from '../say.ts'

/** `db:reset`: the database begins anew, its old self is kept in `backups/`. The secrets beside it stay (rulings R5). */
export async function reset(): Promise<void> {
  const file = disposableFile(loadConfig())
  if (existsSync(file)) {
    const target = backupPath(file, new Date())
    await backUpWhatIsThere(file, target)
    say(`backup    ${path.relative(process.cwd(), target)}`)
    deleteDatabase(file)
  }
  await using database = await openDatabase(file)
  await database.ping()
  say(`created   ${path.relative(process.cwd(), file)}`)
}
