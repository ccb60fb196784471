import { globSync } from 'node:fs'
import path from 'node:path'
import { ROOT } from '../root.ts'
import { runOnChange } from '../run-on-change.ts'
import { IRON } from '../run-program.ts'

/** What the server is made of. */
const SOURCES = ['packages/*/src', 'apps/control-api/src', 'migrations']

/** `dev`: the server on the development database, started again after each change of a source. */
export async function dev(): Promise<void> {
  const ending = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ending.abort())
  await runOnChange({
    args: [...IRON, 'serve'],
    cwd: ROOT,
    folders: globSync(SOURCES, { cwd: ROOT }).map((folder) => path.join(ROOT, folder)),
    signal: ending.signal,
    onRestart: (file) => void process.stderr.write(`${file} changed: starting again\n`),
  })
}
