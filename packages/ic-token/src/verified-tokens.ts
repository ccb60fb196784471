/**
 * Remembers tokens whose signature and claims were found good (rulings R14). Keyed by the whole token, never by a part
 * or digest of it: a cache keyed by less has handed one holder another's claims before (fast-jwt GHSA-rp9m-7r4c-75qg).
 * What depends on the clock is not remembered; the caller checks it on every hit.
 */
import type { IcTokenResult } from './ic-token-manager.ts'

/** Most successes remembered; the oldest is forgotten first. About 1 KB each. */
export const VERIFIED_TOKENS_MAX = 10_000

export class VerifiedTokens {
  readonly #results = new Map<string, IcTokenResult>()
  /** Stands before the oldest. A new one each time would walk over all that were forgotten. */
  #oldest = this.#results.keys()

  get size(): number {
    return this.#results.size
  }

  get(jwt: string): IcTokenResult | undefined {
    return this.#results.get(jwt)
  }

  add(result: IcTokenResult): void {
    if (this.#results.size >= VERIFIED_TOKENS_MAX) {
      const oldest = this.#oldest.next()
      if (oldest.done !== true) this.#results.delete(oldest.value)
    }
    this.#results.set(result.jwt, result)
  }

  forget(jwt: string): void {
    this.#results.delete(jwt)
  }
}
