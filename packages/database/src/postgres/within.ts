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

/** Waits for a promise, but not for long; how it settled is for its owner to see. @returns whether it did */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, ms))
  })
  const settled = promise.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([settled, late])
  } finally {
    clearTimeout(timer)
  }
}
