import { Faults } from './faults.ts'
import { Limiter } from './limiter.ts'
import { meterOf } from './meter.ts'
import { type CheckedOptions, checkedOptions, type LimiterOptions } from './options.ts'
import { bucketScheme, type Scheme } from './scheme.ts'

export interface RateLimiterOptions extends LimiterOptions {
  /** Most tokens that can be taken at once; whole, 0 refuses everything. */
  readonly capacity: number
  /** Tokens that come back in `intervalMs`, evenly; whole, at least 1 unless `capacity` is 0. */
  readonly refill: number
  /** Whole ms, at least 1. */
  readonly intervalMs: number
}

const SECOND_MS = 1000
/** Longest time from empty to full: a hundred years, so that times stay far below 2^53 ms. */
const FULL_REFILL_MAX_MS = 100 * 366 * 86_400_000
const MAX = Number.MAX_SAFE_INTEGER

/**
 * Token buckets, one a key: full at first, refilled evenly. 10 a minute admits 10 at once and then one every 6 s.
 *
 * @example
 * const limiter = new RateLimiter({ capacity: 10, refill: 10, intervalMs: 60_000 })
 * const { allowed, retryAfterMs } = await limiter.consume('user-001')
 */
export class RateLimiter extends Limiter {
  /**
   * @param perSecond capacity, and what is refilled each second
   * @throws {RateLimitError} INVALID_LIMIT with `details.fields`, all faults at once
   */
  constructor(perSecond: number, options?: LimiterOptions)
  constructor(options: RateLimiterOptions)
  constructor(first: number | RateLimiterOptions, second: LimiterOptions = {}) {
    const hasOptions = typeof first === 'object' && (first as unknown) !== null
    const { scheme, options } = hasOptions ? withBucket(first) : perSecond(first, second)
    super(scheme, options)
  }
}

interface Checked {
  readonly scheme: Scheme
  readonly options: CheckedOptions
}

function perSecond(count: unknown, options: LimiterOptions): Checked {
  const faults = new Faults()
  faults.whole('perSecond', count, 0, Math.floor(MAX / SECOND_MS))
  const whole = Number(count)
  return checked(faults, options, whole, whole, SECOND_MS)
}

function withBucket(options: RateLimiterOptions): Checked {
  const { capacity, refill, intervalMs } = options
  const faults = new Faults()
  faults.whole('capacity', capacity, 0, MAX)
  faults.whole('refill', refill, capacity === 0 ? 0 : 1, MAX)
  faults.whole('intervalMs', intervalMs, 1, FULL_REFILL_MAX_MS)
  return checked(faults, options, capacity, refill, intervalMs)
}

function checked(faults: Faults, given: LimiterOptions, capacity: number, refill: number, intervalMs: number): Checked {
  const options = checkedOptions(given, faults)
  faults.throwIfAny('INVALID_LIMIT', 'The options of the rate limiter are not valid')
  const { full, fullMs } = meterOf({ kind: 'bucket', capacity, refill, intervalMs })
  faults.check(fullMs <= FULL_REFILL_MAX_MS, 'capacity', 'must be refilled within 100 years')
  faults.check(
    full <= MAX,
    'capacity',
    'times intervalMs, both divided by what they share with refill, must stay below 2^53',
  )
  faults.throwIfAny('INVALID_LIMIT', 'The options of the rate limiter are not valid')
  return { scheme: bucketScheme(options.name, capacity, refill, intervalMs), options }
}
