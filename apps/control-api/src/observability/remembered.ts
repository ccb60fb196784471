/**
 * One reading for all who ask within `forMs` milliseconds of its end, and at most one in flight: what anybody may ask for, or what
 * costs a look at many rows, costs the same however often it is asked for. A failed reading is forgotten at once.
 */
export function remembered<T>(forMs: number, read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined
  let goodUntilMs = Number.POSITIVE_INFINITY
  return () => {
    if (reading !== undefined && performance.now() < goodUntilMs) return reading
    goodUntilMs = Number.POSITIVE_INFINITY
    const started = read()
    reading = started
    started.then(
      () => {
        goodUntilMs = performance.now() + forMs
      },
      () => {
        reading = undefined
      },
    )
    return started
  }
}

/** Resolves or rejects as `work` does, but rejects after `ms` milliseconds. The work itself goes on. */
export async function inTime<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
