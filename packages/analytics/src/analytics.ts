import {
  type AtTx,
  DatabaseError,
  DatabaseService,
  type DbSource,
  Faults,
  type Page,
  pageWindow,
  type PageWindow,
  type ReadTx,
  type ServiceOptions,
} from '@iron/database'
import { boundedRead } from './bounded-read.ts'
import { type Dimension, DIMENSIONS } from './dimension.ts'
import { refuseFaults } from './errors.ts'
import type { Grouped } from './group-row.ts'
import { checkPeriod, type Period, type TimeRange } from './period.ts'
import { type AskedCalls, findCalls, rangeOf } from './queries/find-calls.ts'
import type { GroupWindow } from './queries/group-sql.ts'
import { type Costs, spreadCosts } from './queries/spread-costs.ts'
import { sumAll } from './queries/sum-all.ts'
import { type Bucket, BUCKETS, sumBuckets, type TimelinePoint } from './queries/sum-buckets.ts'
import { sumGroups } from './queries/sum-groups.ts'
import { type Overview, sumOverview } from './queries/sum-overview.ts'
import { checkScope, type Scope } from './scope.ts'
import type { Totals } from './totals.ts'

/** How long a question may take, in milliseconds (packages.md 10). */
export const QUERY_TIMEOUT_MS = 30_000
/** Longest timeout that both engines and timers can hold, in milliseconds. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

/** Options of {@link Analytics}. */
export interface AnalyticsOptions extends ServiceOptions {
  /** Then `QUERY_TIMEOUT`, in milliseconds. Default 30 000. */
  readonly queryTimeoutMs?: number | undefined
}

/** What a period came to be when the question was asked, epoch ms. */
export interface ResolvedRange extends TimeRange {
  readonly calculatedAt: number
}

/** Where and when a question is asked. */
export interface Asking extends AtTx {
  /**
   * The moment that named periods are counted from, epoch ms: the {@link ResolvedRange.calculatedAt} of another answer makes both
   * answers of one period, also where a day ends between them. Default: the clock, read in the snapshot.
   */
  readonly now?: number | undefined
}

const SORTS: Readonly<Record<string, GroupWindow['column']>> = {
  cost: 'cost_micros',
  requests: 'requests',
  totalTokens: 'total_tokens',
  key: 'group_key',
}

/**
 * Usage, spending and latency of the calls in the journal. Figures are never behind the calls, history follows the present
 * owner of an agent, and each question is answered from one snapshot. An `agentId` that does not exist and one that is not
 * `ownerId`'s are refused alike.
 */
export class Analytics extends DatabaseService {
  readonly #timeoutMs: number

  constructor(source: DbSource, options: AnalyticsOptions = {}) {
    super(source, options)
    this.#timeoutMs = options.queryTimeoutMs ?? QUERY_TIMEOUT_MS
    const faults = new Faults()
    faults.integer('queryTimeoutMs', this.#timeoutMs, 1, TIMEOUT_MAX_MS)
    refuseFaults(faults)
  }

  /**
   * What a dashboard shows first: totals, the dearest agents and models, and spending by provider.
   *
   * @throws {AnalyticsError} VALIDATION_ERROR, AGENT_NOT_FOUND, QUERY_TIMEOUT
   */
  overview(period: Period, scope: Scope = {}, options: Asking = {}): Promise<Overview> {
    return this.#ask(period, scope, options, new Faults(), sumOverview)
  }

  /**
   * The figures of all calls of a period.
   *
   * @throws {AnalyticsError} VALIDATION_ERROR, AGENT_NOT_FOUND, QUERY_TIMEOUT
   */
  totals(period: Period, scope: Scope = {}, options: Asking = {}): Promise<Totals> {
    return this.#ask(period, scope, options, new Faults(), sumAll)
  }

  /**
   * The calls of a period in groups. Sorts: `cost` (default `-cost`), `requests`, `totalTokens`, `key` (default by `day`); ties
   * go by key, calls without a key come last among equals.
   *
   * @throws {AnalyticsError} VALIDATION_ERROR, AGENT_NOT_FOUND, QUERY_TIMEOUT
   */
  async by(dimension: Dimension, period: Period, scope: Scope = {}, options: Page & Asking = {}): Promise<Grouped> {
    const faults = new Faults()
    faults.oneOf('dimension', dimension, DIMENSIONS)
    const window = checkPage(faults, options, dimension === 'day' ? 'key' : '-cost')
    return this.#ask(period, scope, options, faults, async (tx, calls) => {
      const { page, perPage, offset, column, direction } = window as PageWindow<GroupWindow['column']>
      const { rows, totals } = await sumGroups(tx, calls, dimension, { column, direction, limit: perPage, offset })
      return Object.freeze({ data: rows, page, perPage, total: totals.groups, totals })
    })
  }

  /**
   * Sums span by span in UTC, spans without calls included. More than 1000 spans are refused; `all-time` begins with the first
   * call.
   *
   * @throws {AnalyticsError} VALIDATION_ERROR, AGENT_NOT_FOUND, QUERY_TIMEOUT
   */
  timeline(bucket: Bucket, period: Period, scope: Scope = {}, options: Asking = {}): Promise<readonly TimelinePoint[]> {
    const faults = new Faults()
    faults.oneOf('bucket', bucket, BUCKETS)
    return this.#ask(period, scope, options, faults, (tx, calls) => sumBuckets(tx, calls, bucket))
  }

  /**
   * How the costs of single calls are spread, exactly. A period of more than 31 days is refused, and one with calls that were
   * pruned after they had been rolled up by a version that did not count single costs.
   *
   * @throws {AnalyticsError} VALIDATION_ERROR, AGENT_NOT_FOUND, QUERY_TIMEOUT
   */
  costs(period: Period, scope: Scope = {}, options: Asking = {}): Promise<Costs> {
    return this.#ask(period, scope, options, new Faults(), spreadCosts)
  }

  /**
   * The bounds a period has now; `all-time` begins with the first call of the scope.
   *
   * @throws {AnalyticsError} VALIDATION_ERROR, AGENT_NOT_FOUND, QUERY_TIMEOUT
   */
  range(period: Period, scope: Scope = {}, options: Asking = {}): Promise<ResolvedRange> {
    return this.#ask(period, scope, options, new Faults(), async (tx, calls) =>
      Object.freeze({ ...(await rangeOf(tx, calls)), calculatedAt: calls.now }),
    )
  }

  async #ask<T>(
    period: Period,
    scope: Scope,
    options: Asking,
    faults: Faults,
    answer: (tx: ReadTx, calls: AskedCalls) => Promise<T>,
  ): Promise<T> {
    checkPeriod(faults, period)
    checkScope(faults, scope)
    const { tx, now } = options
    if (now !== undefined) faults.integer('now', now, 0)
    refuseFaults(faults)
    const db = await this.ready()
    const clock = now === undefined ? this.clock : { now: () => now }
    return boundedRead(db, { tx }, this.#timeoutMs, async (snapshot) =>
      answer(snapshot, await findCalls(snapshot, period, scope, clock)),
    )
  }
}

/** Checks a page request together with the rest of the question. */
function checkPage(faults: Faults, page: Page, defaultSort: string): PageWindow<GroupWindow['column']> | undefined {
  try {
    return pageWindow(page, SORTS, defaultSort)
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== 'VALIDATION_ERROR') throw error
    const fields = error.details['fields'] as Readonly<Record<string, string>>
    for (const [path, text] of Object.entries(fields)) faults.add(path, text)
    return undefined
  }
}
