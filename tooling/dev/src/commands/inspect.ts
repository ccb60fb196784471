import { createInterface } from 'node:readline'
import Database from 'better-sqlite3'
import { EXIT_CODES } from '@iron/control-api/development'
import { sayTable } from '../say.ts'

/** `db:inspect`: runs one statement, or those of a prompt or a pipe, on a connection that cannot write. */
export async function inspect(file: string, statement: string | undefined): Promise<void> {
  const database = new Database(file, { readonly: true, fileMustExist: true })
  try {
    if (statement !== undefined) {
      if (!show(database, statement)) process.exitCode = EXIT_CODES.findings
      return
    }
    const prompt = createInterface({ input: process.stdin, output: process.stdout, prompt: 'iron> ' })
    if (process.stdin.isTTY) prompt.prompt()
    for await (const line of prompt) {
      if (line.trim() === '.quit') break
      if (line.trim() !== '') show(database, line)
      if (process.stdin.isTTY) prompt.prompt()
    }
  } finally {
    database.close()
  }
}

/** Whether the statement could be run. */
function show(database: Database.Database, sql: string): boolean {
  try {
    const statement = database.prepare(sql)
    if (statement.reader) sayTable(statement.all())
    else statement.run()
    return true
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return false
  }
}
