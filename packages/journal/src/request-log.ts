import { CostCalculator } from '@iron/cost-calculator'
import {
  type AtTx,
  type Cursor,
  type CursorPage,
  DatabaseService,
  type DbSource,
  Faults,
  type InTx,
  type ServiceOptions,
  type WriteTx,
} from '@iron/database'
import { checkNumbers } from './check-numbers.ts'
import { invalid } from './errors.ts'
import type { PruneOptions } from './events/prune.ts'
import type { BilledCall, Call, CallFacts, CallSubject, NewCall } from './requests/call.ts'
import { checkCall, checkFacts, subjectId } from './requests/check-call.ts'
import { billedCallOf, findAllBilled, findBilled, mustRepeat } from './requests/find-billed.ts'
import type { CallFilter } from './requests/filter.ts'
import { ingestTelemetry } from './requests/ingest.ts'
import { getCall, listCalls } from './requests/list.ts'
import { payloadHash } from './requests/payload-hash.ts'
import { pruneCalls } from './requests/prune.ts'
import { recordCall, recordCalls, type Recorded, type RecordOne } from './requests/record.ts'
import { type RollupCheck, type RollupRange, rollUpHours, verifyHours } from './requests/roll-up.ts'
import type { UsageTotals } from './requests/sums.ts'
import type { ItemResult, TelemetryEvent } from './requests/telemetry.ts'
import { pruneEventIds } from './requests/telemetry-ids.ts'
import { type Activity, activityOf, sumCalls } from './requests/totals.ts'
import { type Sources, sourcesOf } from './sources.ts'

/** Events of telemetry in one call (http-api 4.15). */
export const INGEST_MAX = 1_000

/** Options of a {@link RequestLog}. */
export interface RequestLogOptions extends ServiceOptions {
  /** Prices telemetry that tells no cost. Default: the bundled prices. */
  readonly pricing?: CostCalculator | undefined
}

/**
 * The log of LLM calls and its hourly roll-ups: one row per agent or token and request id, whoever tells of the call first. It
 * books no money; who does calls `record` with `billed: true` inside the booking transaction, so that what is billed and what
 * is logged cannot differ.
 */
export class RequestLog extends DatabaseService {
  readonly #sources: Sources
  #pricing: CostCalculator | undefined

  constructor(source: DbSource, options: RequestLogOptions = {}) {
    super(source, options)
    this.#sources = sourcesOf(source, options)
    this.#pricing = options.pricing
  }

  /**
   * Writes the row of a call and, for a new row of an agent, the event `request.completed` or `request.failed`. A billed call
   * that is billed already is a `duplicate` when it says the same; a row that only telemetry told of becomes the billed one.
   * The call that is returned has no `agentName`.
   *
   * @throws {JournalError} VALIDATION_ERROR; IDEMPOTENCY_CONFLICT: billed before with other content
   */
  async record(call: NewCall, options: InTx = {}): Promise<Recorded> {
    checkCall(call)
    return this.write((tx) => recordCall(tx, call, this.#sources), { tx: options.tx, group: true })
  }

  /**
   * The first booking of a call, or `undefined` when it was never billed; also when its row was pruned long ago. Ask it under
   * the lock of the agent (API token: of its owner) before booking (budget protocol 4.4).
   *
   * @throws {JournalError} IDEMPOTENCY_CONFLICT: billed before with other content
   */
  async billed(subject: CallSubject, facts: CallFacts, options: AtTx = {}): Promise<BilledCall | undefined> {
    const { requestId } = facts
    if (requestId === undefined) return undefined
    const faults = new Faults()
    faults.id('agentId' in subject ? 'agentId' : 'tokenId', subjectId(subject))
    checkFacts(facts, faults)
    faults.throwIfAny(invalid('the call is not valid'))
    const row = await this.read((tx) => findBilled(tx, subjectId(subject), requestId), { tx: options.tx, lookup: true })
    if (row === undefined) return undefined
    mustRepeat(row, payloadHash(facts), requestId)
    return billedCallOf(row)
  }

  /**
   * Looks many calls of one subject up at once. What it resolves to answers for each of them as `billed` does, as things stood then.
   *
   * @throws {JournalError} what it resolves to: IDEMPOTENCY_CONFLICT
   */
  async billedAll(
    subject: CallSubject,
    calls: readonly CallFacts[],
    options: AtTx = {},
  ): Promise<(facts: CallFacts) => BilledCall | undefined> {
    const faults = new Faults()
    faults.id('agentId' in subject ? 'agentId' : 'tokenId', subjectId(subject))
    for (const facts of calls) checkFacts(facts, faults)
    faults.throwIfAny(invalid('a call is not valid'))
    const ids = calls.flatMap(({ requestId }) => requestId ?? [])
    const rows = await this.read((tx) => findAllBilled(tx, subjectId(subject), ids), { tx: options.tx, lookup: true })
    return (facts) => {
      const row = facts.requestId === undefined ? undefined : rows.get(facts.requestId)
      if (row === undefined) return undefined
      mustRepeat(row, payloadHash(facts), facts.requestId as string)
      return billedCallOf(row)
    }
  }

  /**
   * Writes the rows of many calls of one subject at once, each with a request id of its own. What it resolves to must then be asked
   * for each of them, in the order in which their events are to stand: it does for one what else `record` does.
   *
   * @throws {JournalError} VALIDATION_ERROR; what it resolves to: IDEMPOTENCY_CONFLICT
   */
  async recordAll(calls: readonly NewCall[], options: { readonly tx: WriteTx }): Promise<RecordOne> {
    for (const call of calls) checkCall(call)
    return recordCalls(options.tx, calls, this.#sources)
  }

  /**
   * Takes in telemetry of an agent, each event by itself: one result each, in order. It charges nothing; what it tells of a call
   * that is known fills what is empty there and changes no figure. An event is accepted once per agent and `eventId`.
   *
   * @param events at most 1000
   * @throws {JournalError} VALIDATION_ERROR for the agent or the number of events; faults of an event are its result
   */
  async ingest(agentId: string, events: readonly TelemetryEvent[]): Promise<readonly ItemResult[]> {
    const faults = new Faults()
    faults.id('agentId', agentId)
    faults.check(events.length <= INGEST_MAX, 'events', `must be at most ${INGEST_MAX}`)
    faults.throwIfAny(invalid('the telemetry is not valid'))
    const pricing = (): CostCalculator => (this.#pricing ??= new CostCalculator())
    return ingestTelemetry(await this.ready(), agentId, events, { sources: this.#sources, pricing })
  }

  /** The call with an id (`req_…`), or `undefined`; also when it was pruned. */
  get(id: string, options: AtTx = {}): Promise<Call | undefined> {
    return this.read((tx) => getCall(tx, id), { tx: options.tx, lookup: true })
  }

  /**
   * A page of calls by the time they were received, newest first unless asked otherwise.
   *
   * @throws {DatabaseError} VALIDATION_ERROR, INVALID_CURSOR
   * @throws {JournalError} VALIDATION_ERROR; CURSOR_EXPIRED: the calls at this position were pruned
   */
  async list(filter: CallFilter = {}, options: Cursor & AtTx = {}): Promise<CursorPage<Call>> {
    checkTimes(filter)
    return this.read((tx) => listCalls(tx, filter, options), { tx: options.tx })
  }

  /**
   * Sums over the calls that fit, never behind: finished UTC hours come from the roll-ups, later calls are read directly.
   * `from` is rounded down to its hour. In finished hours, who is an API token is known from the tokens of this database.
   *
   * @throws {JournalError} VALIDATION_ERROR
   */
  async totals(filter: CallFilter = {}, options: AtTx = {}): Promise<UsageTotals> {
    checkTimes(filter)
    return this.read((tx) => sumCalls(tx, filter), { tx: options.tx })
  }

  /** How often an agent called, in all and on this UTC day, and when last. */
  activity(agentId: string, options: AtTx = {}): Promise<Activity> {
    return this.read((tx) => activityOf(tx, agentId, this.#sources.clock.now()), { tx: options.tx })
  }

  /**
   * Rolls up the oldest hours that have been over for 5 minutes, and again those that changed since; then adds as many hours at
   * most to the sums by day and month.
   *
   * @param options.limit most hours of this call; default 100
   * @returns how many hours were computed or added, whichever are more: fewer than `limit` when nothing is left to do
   */
  async rollUp(options: { readonly limit?: number | undefined } = {}): Promise<number> {
    return rollUpHours(await this.ready(), this.#sources.clock.now(), options.limit)
  }

  /**
   * Compares the roll-ups with a recomputation from the calls, for hours that still have them, and their sums with all roll-ups.
   *
   * @throws {JournalError} VALIDATION_ERROR
   */
  async verifyRollups(options: RollupRange = {}): Promise<RollupCheck> {
    checkTimes(options)
    return verifyHours(await this.ready(), options)
  }

  /**
   * Deletes calls received before `olderThan` (at least 60 days ago), in whole hours that are rolled up. Billed calls leave
   * the key by which a repeat is known for ever; the roll-ups keep their sums. Then the ids of telemetry as old as that.
   *
   * @returns how many calls and ids are gone
   * @throws {JournalError} VALIDATION_ERROR
   */
  async prune(options: PruneOptions): Promise<number> {
    const db = await this.ready()
    const calls = await pruneCalls(db, this.#sources.clock.now(), options)
    const limit = (options.limit ?? Number.MAX_SAFE_INTEGER) - calls
    return calls + (await pruneEventIds(db, options.olderThan, limit))
  }
}

function checkTimes({ from, to }: { readonly from?: number | undefined; readonly to?: number | undefined }): void {
  checkNumbers({ from, to }, 'the times are not valid')
}
