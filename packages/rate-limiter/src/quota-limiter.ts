import { Faults } from './faults.ts'
import { Limiter } from './limiter.ts'
import { checkedOptions, type LimiterOptions } from './options.ts'
import { windowScheme } from './scheme.ts'
import type { QuotaWindow } from './window.ts'

export interface QuotaLimiterOptions extends LimiterOptions {
  /** Tokens a key has in each window; whole, 0 refuses everything. */
  readonly limit: number
  /** UTC minute, hour, day or month, or `{ ms }` counted from the epoch. */
  readonly window: QuotaWindow
}

const WINDOW_MAX_MS = 100 * 366 * 86_400_000
const NAMES: readonly unknown[] = ['minute', 'hour', 'day', 'month']

/**
 * A quota a key in UTC windows. Up to twice the limit may pass around a boundary; where that matters, a `RateLimiter`
 * is right.
 *
 * @example
 * const quota = new QuotaLimiter({ limit: 10_000, window: 'day' })
 * const { remaining } = await quota.peek('user-001')
 */
export class QuotaLimiter extends Limiter {
  /** @throws {RateLimitError} INVALID_LIMIT with `details.fields`, all faults at once */
  constructor(options: QuotaLimiterOptions) {
    const { limit, window } = options
    const faults = new Faults()
    faults.whole('limit', limit, 0, Number.MAX_SAFE_INTEGER)
    const hasLength = typeof window === 'object' && (window as unknown) !== null
    if (hasLength) faults.whole('window.ms', window.ms, 1, WINDOW_MAX_MS)
    else faults.check(NAMES.includes(window), 'window', "must be 'minute', 'hour', 'day', 'month' or { ms }")
    const checked = checkedOptions(options, faults)
    faults.throwIfAny('INVALID_LIMIT', 'The options of the quota limiter are not valid')
    super(windowScheme(checked.name, limit, window), checked)
  }
}
