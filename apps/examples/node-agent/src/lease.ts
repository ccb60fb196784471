/** A lease in hand: what may be spent with it, until when, and with which provider key. */
import { CostController, type Microdollars, usd } from '@iron/cost-calculator'
import { openIpToken } from '@iron/ip-token-crypto'
import type { GrantAnswer } from './iron-api.ts'

/** Borrow anew when less than this share of the grant, or of the lifetime, is left. */
const LOW_SHARE = 0.25
/** No call starts so shortly before the end of a lease, in milliseconds. */
const MARGIN_MS = 5_000

export class Lease {
  readonly id: string
  readonly grantedUsd: number
  readonly baseUrl: string
  /** Only ever in memory. */
  readonly apiKey: string
  /** Keeps what was spent and what running calls may still cost below the grant. */
  readonly guard: CostController
  readonly #ttlMs: number
  /** On this machine's monotonic clock: its wall clock may be wrong. */
  #deadlineMs: number

  /** @param askedAtMs `performance.now()` before the grant was asked for. @throws {CryptoError} when the key was not sealed for us */
  constructor(grant: GrantAnswer, icToken: string, askedAtMs: number) {
    this.id = grant.lease_id
    this.grantedUsd = grant.granted_usd
    this.baseUrl = grant.provider.base_url
    this.apiKey = openIpToken(grant.ip_token, {
      icToken,
      agentId: grant.agent_id,
      leaseId: grant.lease_id,
      providerId: grant.provider.id,
    })
    this.guard = new CostController(usd(grant.granted_usd))
    this.#ttlMs = grant.ttl_seconds * 1000
    this.#deadlineMs = askedAtMs + this.#ttlMs - MARGIN_MS
  }

  /** Whether a call that may cost so much can start now. */
  covers(worst: Microdollars): boolean {
    return performance.now() < this.#deadlineMs && this.guard.status().available >= worst
  }

  get isLow(): boolean {
    const { available, limit } = this.guard.status()
    return available < limit * LOW_SHARE || this.#deadlineMs - performance.now() < this.#ttlMs * LOW_SHARE
  }

  /** Every report that is booked in time begins the lifetime anew. */
  prolong(askedAtMs: number): void {
    this.#deadlineMs = Math.max(this.#deadlineMs, askedAtMs + this.#ttlMs - MARGIN_MS)
  }
}
