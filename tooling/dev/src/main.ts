/** The developer's commands: `node --conditions=@iron/source tooling/dev/src/main.ts <command>`, in package.json as `pnpm <command>`. */
import { CommanderError } from 'commander'
import { ConfigError, EXIT_CODES, RefusedError } from '@iron/control-api/development'
import { createProgram } from './program.ts'

/** Where the words of the user begin in `process.argv`. */
const WORDS_FROM = 2

// `pnpm db:inspect -- "SELECT 1"` hands over the `--` as well, after which every option would be an argument.
const words = process.argv.slice(WORDS_FROM).filter((word, index) => !(index === 1 && word === '--'))
try {
  await createProgram().parseAsync(words, { from: 'user' })
} catch (error) {
  if (!(error instanceof CommanderError))
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = exitCodeOf(error)
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.wrongUse
  if (error instanceof ConfigError) return EXIT_CODES.wrongUse
  return error instanceof RefusedError ? EXIT_CODES.refused : EXIT_CODES.findings
}
