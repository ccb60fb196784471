/**
 * One request's way through the rate limits, in the order of checks of http-api 1.6: the address's flood guard before
 * anything is read, the address's failed authentications before a credential is looked at, the route's class afterwards.
 * It remembers the bucket closest to empty, which is what the answer tells.
 */
import { isIPv6 } from 'node:net'
import { ApiError } from './errors.ts'
import type { RateLimits, RateUse, RateVerdict } from './rate-limits.ts'

/** Groups of an IPv6 address that name a network: within its /64 a client picks addresses at will. */
const NETWORK_GROUPS = 4

/** Under which key an address is counted. */
export function addressKey(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? []
  const groups = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'))
  const before = groups(head)
  const after = groups(tail)
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const all = [...before, ...Array.from({ length: zeros }, () => '0'), ...after]
  return `${all
    .slice(0, NETWORK_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

/** The passage of one request. */
export class RateGate {
  readonly #limits: RateLimits
  readonly #address: string
  #failures: RateVerdict | undefined
  #closest: RateVerdict | undefined

  constructor(limits: RateLimits, address: string) {
    this.#limits = limits
    this.#address = addressKey(address)
  }

  /**
   * The flood guard.
   *
   * @param authenticates whether a credential will be looked at: then it is also asked how many have failed
   * @throws {ApiError} RATE_LIMIT_EXCEEDED
   */
  async enter(authenticates: boolean): Promise<void> {
    const [flood, failures] = await Promise.all([
      this.#limits.take([this.#of('flood')]),
      authenticates ? this.#limits.peek(this.#of('authfail')) : undefined,
    ])
    this.#failures = failures
    this.#pass(flood)
  }

  /**
   * Looks at a credential; one that does not authenticate is counted against the address. An address with too many of them
   * behind it is refused before anything is looked at, and one too many tells nobody what it failed by.
   *
   * @throws {ApiError} RATE_LIMIT_EXCEEDED, and what `authenticating` throws
   */
  async attempt<T>(authenticating: () => Promise<T>): Promise<T> {
    if (this.#failures !== undefined && !this.#failures.allowed) this.#pass(this.#failures)
    try {
      return await authenticating()
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        this.#pass(await this.#limits.take([this.#of('authfail')]))
      }
      throw error
    }
  }

  /** The route's class. @throws {ApiError} RATE_LIMIT_EXCEEDED */
  async admit(uses: readonly RateUse[]): Promise<void> {
    this.#pass(await this.#limits.take(uses))
  }

  /** The route's class, for a route that uses nothing up. @throws {ApiError} RATE_LIMIT_EXCEEDED */
  async look(use: RateUse): Promise<void> {
    this.#pass(await this.#limits.peek(use))
  }

  /** Of the bucket closest to empty; none when every class is off. */
  get headers(): Readonly<Record<string, string>> {
    const closest = this.#closest
    if (closest === undefined) return {}
    return {
      'RateLimit-Limit': String(closest.limit),
      'RateLimit-Remaining': String(closest.remaining),
      'RateLimit-Reset': String(
        Number.isFinite(closest.resetAtMs) ? this.#limits.secondsUntil(closest.resetAtMs) : closest.windowSeconds,
      ),
    }
  }

  /** The use of the address's own bucket. */
  addressUse(rateClass: RateUse['rateClass']): RateUse {
    return this.#of(rateClass)
  }

  #of(rateClass: RateUse['rateClass']): RateUse {
    return { rateClass, key: this.#address }
  }

  #pass(verdict: RateVerdict | undefined): void {
    if (verdict === undefined) return
    if (!verdict.allowed || this.#closest === undefined || verdict.remaining < this.#closest.remaining) {
      this.#closest = verdict
    }
    if (verdict.allowed) return
    this.#limits.noteRefusal(verdict.rateClass)
    const waitMs = Number.isFinite(verdict.retryAfterMs) ? verdict.retryAfterMs : verdict.windowSeconds * 1_000
    const seconds = Math.max(1, Math.ceil(waitMs / 1_000))
    throw new ApiError('RATE_LIMIT_EXCEEDED', 'Too many requests', {
      details: { retry_after: seconds },
      headers: { 'Retry-After': String(seconds) },
    })
  }
}
