/** Times one call of a function, for questions about libraries. */
import { strict as assert } from 'node:assert'
import { do_not_optimize, measure } from 'mitata'
import type { Contestant, Figure, Role, Target } from './question.ts'

/** Before anything counts, so that what is measured is optimised code. */
const WARM_UP_MS = 500
/** How long a contestant is measured in one round. */
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

/** The median over samples of thousands of calls each; asynchronous calls are awaited one by one. */
async function nanosecondsOf(call: () => unknown): Promise<number> {
  const until = performance.now() + WARM_UP_MS
  while (performance.now() < until) for (let index = 0; index < CALLS_BETWEEN_LOOKS; index += 1) await settled(call())
  const kept = (): unknown => {
    const result = call()
    // A result that nobody looks at may not be worked out at all.
    do_not_optimize(result)
    return result
  }
  const { p50 } = await measure(kept, { min_cpu_time: MEASURED_MS * 1e6 })
  return p50
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
