/** Times one call of a function, for questions about libraries. */
import { strict as assert } from 'node:assert'
import { do_not_optimize, measure } from 'mitata'
import type { Contestant, Figure, Role, Target } from './question.ts'

/** How long a contestant is measured in one round, in milliseconds, after half as long that does not count. */
const MEASURED_MS = Number(process.env['IRON_TEST_BENCH_MICRO_MS'] ?? 800)
/** Calls between two looks at the clock while warming up. */
const CALLS_BETWEEN_LOOKS = 500

/** A call to be timed, made ready by `prepare`, which fails when the answers are wrong. */
export function timed(role: Role, name: string, prepare: () => Promise<() => unknown>): Contestant {
  return { role, name, measure: async () => ({ ns: await nanosecondsOf(await prepare()) }) }
}

/** The figure of `timed`. */
export function timeOfCall(title: string, ...targets: Target[]): { readonly ns: Figure } {
  return { ns: { title, unit: 'ns', better: 'less', targets } }
}

/**
 * The mean over all calls; asynchronous calls are awaited one by one. Counted is the time this thread computes, so that a
 * neighbour who takes the core is not measured. That clock advances by some 4 ms at a time: a mean is right nevertheless, a
 * median of samples would be 0.
 */
async function nanosecondsOf(call: () => unknown): Promise<number> {
  const until = computedNs() + (MEASURED_MS / 2) * 1e6
  while (computedNs() < until) for (let index = 0; index < CALLS_BETWEEN_LOOKS; index += 1) await settled(call())
  const kept = (): unknown => {
    const result = call()
    // A result that nobody looks at may not be worked out at all.
    do_not_optimize(result)
    return result
  }
  const { avg } = await measure(kept, { min_cpu_time: MEASURED_MS * 1e6, now: computedNs, samples_threshold: Infinity })
  return avg
}

function computedNs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) * 1_000
}

function settled(result: unknown): unknown {
  return result instanceof Promise ? result : undefined
}

/** Walks round a list for ever. */
export function roundRobin<T>(items: readonly T[]): () => T {
  let at = -1
  return () => {
    at = at + 1 === items.length ? 0 : at + 1
    return items[at] as T
  }
}

/** The same order in every process, and not the order in which things were made: neighbours in memory are not asked in turn. */
export function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items]
  let state = 0x2545f491
  for (let index = result.length - 1; index > 0; index -= 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const other = state % (index + 1)
    ;[result[index], result[other]] = [result[other] as T, result[index] as T]
  }
  return result
}

export { assert }
