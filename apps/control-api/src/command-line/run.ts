import { CommanderError } from 'commander'
import { ConfigError } from '../config.ts'
import { safeText } from '../observability/logger.ts'
import { EXIT_CODES, RefusedError, UsageError } from './exit-codes.ts'
import { createProgram } from './program.ts'

/** Where the words of the user begin in `process.argv`. */
const WORDS_FROM = 2
/** What `iron` alone does. */
const DEFAULT_COMMAND = 'serve'

/** Reads the command line, runs the command, and sets the exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  const words = argv.slice(WORDS_FROM)
  try {
    await createProgram().parseAsync(words.length === 0 ? [DEFAULT_COMMAND] : words, { from: 'user' })
  } catch (error) {
    // The library has told what is wrong, or printed the help that was asked for.
    if (!(error instanceof CommanderError)) process.stderr.write(`iron: ${describe(error)}\n`)
    process.exitCode = exitCodeOf(error)
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.wrongUse
  if (error instanceof ConfigError || error instanceof UsageError) return EXIT_CODES.wrongUse
  return error instanceof RefusedError ? EXIT_CODES.refused : EXIT_CODES.findings
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return safeText(String(error))
  const reason = 'details' in error ? ` ${JSON.stringify(error.details)}` : ''
  return safeText(`${error.message}${reason === ' {}' ? '' : reason}`)
}
