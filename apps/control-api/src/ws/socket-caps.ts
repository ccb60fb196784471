import { ApiError } from '../http/errors.ts'
import { addressKey } from '../http/rate-gate.ts'

/** How many connections there may be at once (websocket.md 8). */
export interface SocketCapLimits {
  readonly perPrincipal: number
  readonly perAddress: number
  readonly perServer: number
}

/** Unless the configuration says otherwise (websocket.md 8). */
export const SOCKET_CAPS: SocketCapLimits = { perPrincipal: 20, perAddress: 100, perServer: 10_000 }

/** One connection's place among those that are open, until it is released. */
export interface Seat {
  /** Counts it for whoever turns out to be behind it. @throws {ApiError} RATE_LIMIT_EXCEEDED */
  takeFor(principal: string): void
  release(): void
}

/** How long whoever has too many should wait, in seconds (websocket.md 9). */
const RETRY_AFTER_SECONDS = 30

/** Counts open connections, before they have authenticated too. */
export class SocketCaps {
  readonly #limits: SocketCapLimits
  readonly #ofAddress = new Counts()
  readonly #ofPrincipal = new Counts()
  #open = 0

  constructor(limits: SocketCapLimits) {
    this.#limits = limits
  }

  /** @throws {ApiError} RATE_LIMIT_EXCEEDED */
  take(address: string): Seat {
    const { perAddress, perServer } = this.#limits
    const place = addressKey(address)
    if (this.#open >= perServer || this.#ofAddress.of(place) >= perAddress) throw tooMany()
    this.#open += 1
    this.#ofAddress.add(place, 1)
    let principal: string | undefined
    let isReleased = false
    return {
      takeFor: (key) => {
        // Gone while its credential was looked at: nobody would release this.
        if (isReleased) return
        if (this.#ofPrincipal.of(key) >= this.#limits.perPrincipal) throw tooMany()
        principal = key
        this.#ofPrincipal.add(key, 1)
      },
      release: () => {
        if (isReleased) return
        isReleased = true
        this.#open -= 1
        this.#ofAddress.add(place, -1)
        if (principal !== undefined) this.#ofPrincipal.add(principal, -1)
      },
    }
  }
}

class Counts {
  readonly #counts = new Map<string, number>()

  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  add(key: string, by: number): void {
    const count = this.of(key) + by
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
  }
}

function tooMany(): ApiError {
  return new ApiError('RATE_LIMIT_EXCEEDED', 'Too many connections', {
    details: { retry_after: RETRY_AFTER_SECONDS },
    headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
  })
}
