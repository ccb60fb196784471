/**
 * What `work` promises, or a rejection when it takes longer. An answer after that is ignored, also when it is an error.
 * The timer keeps no process alive.
 */
export function withDeadline<T>(work: () => Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`The store did not answer within ${timeoutMs} ms`)), timeoutMs)
    timer.unref()
    const fail = (error: unknown): void => {
      clearTimeout(timer)
      reject(error instanceof Error ? error : new Error(String(error)))
    }
    try {
      work().then((value) => {
        clearTimeout(timer)
        resolve(value)
      }, fail)
    } catch (error) {
      // A store that throws instead of rejecting has failed as well.
      fail(error)
    }
  })
}
