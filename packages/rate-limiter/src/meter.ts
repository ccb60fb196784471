/**
 * The arithmetic of both kinds of limit, on whole numbers below 2^53, so nothing is ever rounded: time is counted in
 * fractions of a millisecond that divide it evenly, chosen so that one token costs a whole number of them. "7 per second"
 * counts sevenths of a ms, of which a token costs 1000.
 *
 * A record stands at a *level*: how much of the limit is used. A bucket's level drains as time passes, a window's stays.
 */
import type { StoreRule } from './store.ts'

export interface Meter {
  /** Capacity or limit. */
  readonly limit: number
  /** What one token adds to the level. */
  readonly unit: number
  /** The level at which nothing is left: `limit` tokens. */
  readonly full: number
  /** What drains of the level each ms; 0: a window. */
  readonly perMs: number
  /** Bucket: from empty to full, rounded up. Window: its length. */
  readonly fullMs: number
  /** When a window ends; Infinity: a bucket. */
  readonly endsAt: number
  /** Meters of equal ids are equal. */
  readonly id: string
}

const meters = new WeakMap<StoreRule, Meter>()

/** The meter of a rule; remembered as long as the rule object lives. */
export function meterOf(rule: StoreRule): Meter {
  let meter = meters.get(rule)
  if (meter === undefined) {
    meter = rule.kind === 'bucket' ? bucketMeter(rule) : windowMeter(rule)
    meters.set(rule, meter)
  }
  return meter
}

function bucketMeter({ capacity, refill, intervalMs }: StoreRule & { kind: 'bucket' }): Meter {
  const divisor = greatestCommonDivisor(refill, intervalMs)
  // A bucket of capacity 0 needs no refill; it refuses before anything drains.
  const perMs = refill === 0 ? 1 : refill / divisor
  const unit = intervalMs / divisor
  const full = capacity * unit
  const id = `${capacity}/${refill}/${intervalMs}`
  return { limit: capacity, unit, full, perMs, fullMs: Math.ceil(full / perMs), endsAt: Infinity, id }
}

function windowMeter({ limit, startsAt, endsAt }: StoreRule & { kind: 'window' }): Meter {
  return { limit, unit: 1, full: limit, perMs: 0, fullMs: endsAt - startsAt, endsAt, id: `${limit}@${startsAt}` }
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}

/**
 * What comes of a call for `cost`, in one number, which costs nothing to hand on: the level afterwards, or, where the cost
 * does not fit, something below 0 that `refusedAt` turns back into the level.
 */
export function outcomeOf(meter: Meter, level: number, cost: number): number {
  // A cost above the limit may make a product above 2^53, which is rounded, but never down to what fits.
  const after = level + cost * meter.unit
  return after <= meter.full ? after : -1 - level
}

/** The level at which an outcome below 0 was refused. */
export function refusedAt(outcome: number): number {
  return -1 - outcome
}

/** How long until a cost that does not fit does, in ms, rounded up. */
export function waitMs(meter: Meter, level: number, cost: number, now: number): number {
  if (cost > meter.limit) return Infinity
  if (meter.perMs === 0) return meter.endsAt - now
  return Math.ceil((level - meter.full + cost * meter.unit) / meter.perMs)
}

/**
 * The level of a bucket whose record says that it is full at `fullAt` ms + `rest` parts of a ms. Above `full`, the clock
 * has stepped back since it was written.
 */
export function bucketLevel(meter: Meter, fullAt: number, rest: number, now: number): number {
  const aheadMs = fullAt - now
  // `rest` may have been written under another rule of the same name, with finer parts.
  return aheadMs < 0 ? 0 : aheadMs * meter.perMs + Math.min(rest, meter.perMs - 1)
}
