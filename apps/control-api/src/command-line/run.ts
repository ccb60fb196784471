import { CommanderError } from 'commander'
import { ConfigError } from '../config.ts'
import { isClosedPipe } from '../commands/lost-output.ts'
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
  const tellOnce = telling()
  process.stdout.on('error', (error: Error) => {
    // Whoever reads has read enough, as `head` does. What the command still has to do, it does.
    if (isClosedPipe(error)) return
    tellOnce(error)
    process.exitCode = EXIT_CODES.findings
  })
  try {
    await createProgram().parseAsync(words.length === 0 ? [DEFAULT_COMMAND] : words, { from: 'user' })
  } catch (error) {
    // The library has told what is wrong, or printed the help that was asked for.
    if (!(error instanceof CommanderError)) tellOnce(error)
    process.exitCode = exitCodeOf(error)
  }
}

/** Tells what went wrong, and the same failure only once: a command may also meet a lost stdout by itself. */
function telling(): (error: unknown) => void {
  let told: unknown
  return (error) => {
    if (error === told) return
    told = error
    process.stderr.write(`iron: ${describe(error)}\n`)
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.wrongUse
  if (error instanceof ConfigError || error instanceof UsageError || isInvalidValue(error)) return EXIT_CODES.wrongUse
  return error instanceof RefusedError ? EXIT_CODES.refused : EXIT_CODES.findings
}

/** A value that only the service behind the command judges, such as an e-mail address. */
function isInvalidValue(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'VALIDATION_ERROR'
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return safeText(String(error))
  const reason = 'details' in error ? ` ${JSON.stringify(error.details)}` : ''
  return safeText(`${error.message}${reason === ' {}' ? '' : reason}`)
}
