import {
  type AtTx,
  type Cursor,
  type CursorPage,
  DatabaseService,
  type DbSource,
  Faults,
  type ServiceOptions,
} from '@iron/database'
import type { ItemResult, PruneOptions } from '@iron/journal'
import { refuseFaults } from './errors.ts'
import { appendSpans } from './traces/append-spans.ts'
import { pruneSpans } from './traces/prune-spans.ts'
import { checkTimes, getTrace, listTraces, type TraceFilter } from './traces/read-traces.ts'
import type { NewSpan, Trace, WholeTrace } from './traces/span.ts'

/** Spans in one call (http-api 4.17). */
export const SPANS_MAX = 1_000

/** Traces of what agents do: trees of spans, for looking and never for charging. */
export class TraceLog extends DatabaseService {
  constructor(source: DbSource, options: ServiceOptions = {}) {
    super(source, options)
  }

  /**
   * Keeps spans of an agent, each by itself: one result each, in order. A span counts once per trace and `spanId`; a span of a
   * trace that is another agent's is refused with `TRACE_NOT_FOUND`, and one more than a trace holds with `VALIDATION_ERROR`.
   *
   * @param spans at most 1000
   * @throws {AnalyticsError} VALIDATION_ERROR for the agent or the number of spans; faults of a span are its result
   */
  async append(agentId: string, spans: readonly NewSpan[]): Promise<readonly ItemResult[]> {
    const faults = new Faults()
    faults.id('agentId', agentId)
    faults.check(spans.length <= SPANS_MAX, 'spans', `must be at most ${SPANS_MAX}`)
    refuseFaults(faults)
    return appendSpans(await this.ready(), agentId, spans, () => this.clock.now())
  }

  /** The trace of an id with its spans by start, or `undefined`; also when it was pruned. */
  get(traceId: string, options: AtTx = {}): Promise<WholeTrace | undefined> {
    return this.read((tx) => getTrace(tx, traceId), { tx: options.tx })
  }

  /**
   * A page of traces by the time their first span was received, newest first unless asked otherwise.
   *
   * @throws {DatabaseError} VALIDATION_ERROR, INVALID_CURSOR
   * @throws {AnalyticsError} VALIDATION_ERROR; CURSOR_EXPIRED: the spans at this position were pruned
   */
  async list(filter: TraceFilter = {}, options: Cursor & AtTx = {}): Promise<CursorPage<Trace>> {
    checkTimes(filter)
    return this.read((tx) => listTraces(tx, filter, options), { tx: options.tx })
  }

  /**
   * Deletes spans received before `olderThan` (at least a day ago), oldest first.
   *
   * @returns how many are gone
   * @throws {AnalyticsError} VALIDATION_ERROR
   */
  async prune(options: PruneOptions): Promise<number> {
    return pruneSpans(await this.ready(), this.clock.now(), options)
  }
}
