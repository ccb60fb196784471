import type { PostgresConnection } from './connection.ts'

/** When something must be over. */
export interface Deadline {
  /** On the scale of `performance.now()`. */
  readonly deadlineMs: number
  /** What it fails with if it is not. */
  readonly late: () => Error
}

/**
 * Runs work that ends with its connection: when the connection is lost, or time is up and it is taken away, the caller is answered even
 * if the work itself never ends.
 */
export async function within<T>(
  connection: PostgresConnection,
  deadline: Deadline | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const cut = Promise.withResolvers<never>()
  const stop = connection.onLost(cut.reject)
  const timer = deadline === undefined ? undefined : cutAt(connection, deadline)
  try {
    return await Promise.race([work(), cut.promise])
  } finally {
    clearTimeout(timer)
    stop()
  }
}

function cutAt(connection: PostgresConnection, { deadlineMs, late }: Deadline): NodeJS.Timeout {
  return setTimeout(() => connection.destroy(late()), Math.max(0, deadlineMs - performance.now()))
}
