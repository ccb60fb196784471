/** What becomes of a command when nobody takes its output any more. */

/** Whether the reader of a pipe is gone, such as `head` when it has read enough. */
export function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}

/**
 * Ends the process with the first output that cannot be written: for commands that show something for ever and have nothing
 * else to do. The exit code is what it was set to, 0 for a closed pipe.
 */
export function endWithOutput(): void {
  process.stdout.once('error', () => process.exit())
}
