/** What an operator's Prometheus reads of this process. Names and labels are bounded: routes, statuses, classes. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IronDatabase } from '@iron/database'
import type { Ledger } from '@iron/lease-manager'
import { passwordQueue } from '@iron/token-manager'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RateLimits } from '../http/rate-limits.ts'
import { BudgetDecisions } from './budget-decisions.ts'
import type { EventLag } from './event-lag.ts'
import { SocketCounts } from './socket-counts.ts'
import {
  VerificationWatch,
  type Unwatch,
  watchDatabase,
  watchEvents,
  watchLeases,
  watchLedger,
  watchSockets,
} from './watch.ts'

/** Upper bounds of request durations, in seconds: most answers take one to thirty milliseconds. */
const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** How finely the event loop's delay is measured, in milliseconds: an idle loop shows about this much. */
const LOOP_PRECISION_MS = 5

/** One answered request. */
export interface AnsweredRequest {
  /** Method and path of the matched route; `undefined`: none matched. */
  readonly route: string | undefined
  readonly status: number
  readonly seconds: number
}

/** Services whose figures are read at each scrape. */
export interface WatchedServices {
  readonly database: Pick<IronDatabase, 'waiting'>
  readonly ledger: Pick<Ledger, 'totals'>
  readonly eventLag: Pick<EventLag, 'ms'>
}

/** The registry of one process, and who may read it. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #scrapeToken: Buffer | undefined
  readonly #requests: Counter<'route' | 'status'>
  readonly #seconds: Histogram<'route'>
  readonly #unwatch: Unwatch[] = []
  /** Told by those who know: the budget protocol, the verification jobs, the WebSocket layer. */
  readonly decisions = new BudgetDecisions()
  readonly verification = new VerificationWatch()
  readonly sockets = new SocketCounts()

  /** @param scrapeToken lets a scraper in that is no user; `undefined`: there is none */
  constructor(rateLimits: RateLimits, scrapeToken: string | undefined) {
    this.#scrapeToken = scrapeToken === undefined ? undefined : digest(scrapeToken)
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_PRECISION_MS })
    this.#requests = new Counter({
      name: 'iron_http_requests_total',
      help: 'Requests answered, by route and status',
      labelNames: ['route', 'status'],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'iron_http_request_duration_seconds',
      help: 'From the request line to the answer, by route',
      labelNames: ['route'],
      buckets: SECONDS_BUCKETS,
      registers,
    })
    this.#watchRateLimits(rateLimits)
    this.#watchPasswords()
    this.decisions.registerIn(this.#registry)
    this.verification.registerIn(this.#registry)
    watchSockets(this.#registry, this.sockets)
  }

  /** Reads more, at each scrape, from where it is known. */
  watch({ database, ledger, eventLag }: WatchedServices): void {
    watchLedger(this.#registry, ledger)
    watchEvents(this.#registry, eventLag)
    this.#unwatch.push(watchLeases(this.#registry), watchDatabase(this.#registry, database))
  }

  /** Listens to nothing more. */
  close(): void {
    for (const unwatch of this.#unwatch.splice(0)) unwatch()
  }

  /** Name and help of everything that is measured. */
  describe(): readonly { readonly name: string; readonly help: string }[] {
    return this.#registry.getMetricsAsArray().map(({ name, help }) => ({ name, help }))
  }

  /** Counts an answer. */
  countRequest({ route = 'none', status, seconds }: AnsweredRequest): void {
    this.#requests.inc({ route, status: String(status) })
    this.#seconds.observe({ route }, seconds)
  }

  /** Whether this is the scrape token, in constant time. */
  isScrapeToken(token: string): boolean {
    return this.#scrapeToken !== undefined && timingSafeEqual(digest(token), this.#scrapeToken)
  }

  /** The text that Prometheus reads, with its media type. */
  async read(): Promise<{ readonly type: string; readonly content: string }> {
    return { type: this.#registry.contentType, content: await this.#registry.metrics() }
  }

  #watchRateLimits(rateLimits: RateLimits): void {
    const registers = [this.#registry]
    new Gauge({
      name: 'iron_rate_limiter_degraded',
      help: '1 while this process limits on its own because the shared store does not answer',
      registers,
      collect() {
        this.set(rateLimits.degraded ? 1 : 0)
      },
    })
    new Counter({
      name: 'iron_rate_limiter_degraded_decisions_total',
      help: 'Decisions made without the shared store',
      registers,
      collect() {
        this.reset()
        this.inc(rateLimits.degradedDecisions)
      },
    })
    new Counter({
      name: 'iron_rate_limit_refusals_total',
      help: 'Requests refused, by rate class',
      labelNames: ['class'],
      registers,
      collect() {
        this.reset()
        for (const [rateClass, count] of rateLimits.refused) this.inc({ class: rateClass }, count)
      },
    })
  }

  #watchPasswords(): void {
    new Gauge({
      name: 'iron_password_hashes_pending',
      help: 'Passwords that are being hashed or wait for it',
      registers: [this.#registry],
      collect() {
        this.set(passwordQueue().pending)
      },
    })
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
