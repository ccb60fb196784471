/** Which sums together tell of a span of time: months where whole ones fit, days at their edges, hours at the edges of those. */
import { endOf, type Grain, startOf } from './grains.ts'

/** A half-open span of time, epoch ms. */
export interface Span {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/** Sums of one grain, from the first start to before the last. */
export interface Piece extends Span {
  readonly grain: Grain
  /** Starts within that are left out, ascending. */
  readonly except: readonly number[]
}

/** What is to be covered. */
export interface Covered extends Span {
  /** Hours within that are left out, ascending. */
  readonly changed: readonly number[]
  /** Where the sums end: one that reaches beyond it holds nothing later. */
  readonly summedEnd: number
}

/**
 * Covers each hour of a span once, except the changed ones, with at most two pieces more of a grain than there are gaps in it.
 * Both ends are starts of hours.
 *
 * @param grains coarsest first; the last must be the hour
 */
export function coverOf(covered: Covered, grains: readonly Grain[]): readonly Piece[] {
  const [grain, ...finer] = grains
  const { from, to, changed, summedEnd } = covered
  if (grain === undefined || from >= to) return []
  const first = roundUp(grain, from)
  const last = to === summedEnd ? roundUp(grain, to) : startOf(grain, to)
  if (first >= last) return coverOf(covered, finer)
  const except = [
    ...new Set(changed.filter((hour) => hour >= first && hour < last).map((hour) => startOf(grain, hour))),
  ]
  const part = (span: Span): readonly Piece[] => {
    const within = changed.filter((hour) => hour >= span.from && hour < span.to)
    return coverOf({ ...span, changed: within, summedEnd }, finer)
  }
  return [
    { grain, from: first, to: last, except },
    ...part({ from, to: first }),
    ...except.flatMap((start) => part({ from: start, to: Math.min(endOf(grain, start), to) })),
    ...part({ from: last, to }),
  ]
}

function roundUp(grain: Grain, ms: number): number {
  const start = startOf(grain, ms)
  return start === ms ? ms : endOf(grain, start)
}
