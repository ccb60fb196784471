/** What the exit code of every command says; documented in the README. */
export const EXIT_CODES = {
  done: 0,
  /** A check found something, or the command failed. */
  findings: 1,
  /** Unknown commands and options, values and environment variables that are not valid. */
  wrongUse: 2,
  /** The command was understood and would have done harm: nothing was changed. */
  refused: 3,
} as const

/** A command that declines to begin, because it would destroy or mix something; says what to do instead. */
export class RefusedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RefusedError'
  }
}

/** Options or arguments that cannot be meant together, or a value that only the command itself can judge. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}
