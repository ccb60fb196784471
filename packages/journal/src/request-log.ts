import { type AtTx, DatabaseService, type DbSource, Faults, type InTx, type ServiceOptions } from '@iron/database'
import { invalid } from './errors.ts'
import type { BilledCall, CallFacts, CallSubject, NewCall } from './requests/call.ts'
import { checkCall, checkFacts, subjectId } from './requests/check-call.ts'
import { billedCallOf, findBilled, mustRepeat } from './requests/find-billed.ts'
import { payloadHash } from './requests/payload-hash.ts'
import { recordCall, type Recorded } from './requests/record.ts'
import { type Sources, sourcesOf } from './sources.ts'

/** Options of a {@link RequestLog}. */
export type RequestLogOptions = ServiceOptions

/**
 * The log of LLM calls and its hourly roll-ups: one row per agent or token and request id, whoever tells of the call first. It
 * books no money; who does calls `record` with `billed: true` inside the booking transaction, so that what is billed and what
 * is logged cannot differ.
 */
export class RequestLog extends DatabaseService {
  readonly #sources: Sources

  constructor(source: DbSource, options: RequestLogOptions = {}) {
    super(source, options)
    this.#sources = sourcesOf(source, options)
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
}
