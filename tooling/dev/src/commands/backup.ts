import { copyFile, mkdir, rename } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { loadConfig, RefusedError } from '@iron/control-api/development'
import { openDatabase, validateSchema } from '@iron/database'
import { backUp, backupPath, backUpWhatIsThere, deleteDatabase, disposableFile, localFile } from '../database-file.ts'
import { say } from '../say.ts'

/** `db:backup [file]`: a copy of the database as it is at one moment. */
export async function sayBackup(given: string | undefined): Promise<void> {
  const file = localFile(loadConfig())
  const target = given === undefined ? backupPath(file, new Date()) : path.resolve(given)
  await backUp(file, target)
  say(`backup    ${path.relative(process.cwd(), target)}`)
}

/** `db:restore <file>`: only a sound database of this version's schema takes the place of the present one, which is kept. */
export async function restore(given: string): Promise<void> {
  const file = disposableFile(loadConfig())
  const source = path.resolve(given)
  const draft = `${file}.restoring`
  await refuseUnsound(source)
  await mkdir(path.dirname(file), { recursive: true })
  await copyFile(source, draft)
  if (existsSync(file)) {
    const kept = backupPath(file, new Date())
    await mkdir(path.dirname(kept), { recursive: true })
    await backUpWhatIsThere(file, kept)
    say(`backup    ${path.relative(process.cwd(), kept)}`)
    deleteDatabase(file)
  }
  await rename(draft, file)
  say(`restored  ${path.relative(process.cwd(), source)}`)
}

/** Looked at in place, read-only as far as SQLite allows: a file that is no sound database is not restored. */
async function refuseUnsound(source: string): Promise<void> {
  let faults: readonly { readonly where: string; readonly text: string }[]
  try {
    await using database = await openDatabase(source, { migrations: 'unchecked' })
    faults = await validateSchema(database)
  } catch (error) {
    faults = [{ where: path.basename(source), text: error instanceof Error ? error.message : String(error) }]
  }
  const [first] = faults
  if (first === undefined) return
  const more = faults.length === 1 ? '' : ` (and ${String(faults.length - 1)} more)`
  throw new RefusedError(`nothing was restored: ${first.where} ${first.text}${more}`)
}
