import { Console } from 'node:console'

/** Writes a line for the user. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Writes rows as a table. */
export function sayTable(rows: readonly unknown[]): void {
  new Console(process.stdout).table(rows)
}
