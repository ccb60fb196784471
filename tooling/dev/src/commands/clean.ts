import { existsSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline/promises'
import { loadConfig, RefusedError } from '@iron/control-api/development'
import { deleteDatabase, disposableFile } from '../database-file.ts'
import { say } from '../say.ts'

/** `db:clean`: deletes the database after a confirmation. The secrets beside it stay: backups need them. */
export async function clean({ yes = false }: { readonly yes?: boolean | undefined }): Promise<void> {
  const file = disposableFile(loadConfig())
  const shown = path.relative(process.cwd(), file)
  if (!existsSync(file)) {
    say(`${shown} is not there`)
    return
  }
  if (!yes && !(await confirm(`Delete ${shown}? Type yes: `)))
    throw new RefusedError('nothing was deleted: say yes, or give --yes')
  deleteDatabase(file)
  say(`deleted   ${shown}`)
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  const prompt = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return (await prompt.question(question)) === 'yes'
  } finally {
    prompt.close()
  }
}
