import {
  type AtTx,
  type Cursor,
  type CursorPage,
  DatabaseService,
  type DbSource,
  type IronDatabase,
  type ServiceOptions,
} from '@iron/database'
import { type Call, type CallFilter, RequestLog, type UsageTotals } from '@iron/journal'

/** What was called with API tokens. Calls of agents are not among it, whatever the filter says. */
export class UsageTracker extends DatabaseService {
  readonly #options: ServiceOptions
  #requests: RequestLog | undefined

  constructor(source: DbSource, options: ServiceOptions = {}) {
    super(source, options)
    this.#options = { clock: options.clock, ids: options.ids }
  }

  /**
   * A page of calls by the time they were received, newest first unless asked otherwise.
   *
   * @throws {DatabaseError} VALIDATION_ERROR, INVALID_CURSOR
   * @throws {JournalError} CURSOR_EXPIRED: the calls at this position were pruned
   */
  list(filter: CallFilter = {}, options: Cursor & AtTx = {}): Promise<CursorPage<Call>> {
    return this.read((tx, db) => this.#requestsOf(db).list(ofTokens(filter), { ...options, tx }), { tx: options.tx })
  }

  /** Sums over the calls that fit, never behind. `from` is rounded down to its hour. */
  totals(filter: CallFilter = {}, options: AtTx = {}): Promise<UsageTotals> {
    return this.read((tx, db) => this.#requestsOf(db).totals(ofTokens(filter), { tx }), { tx: options.tx })
  }

  #requestsOf(db: IronDatabase): RequestLog {
    this.#requests ??= new RequestLog(db, this.#options)
    return this.#requests
  }
}

/** A filter that asks for agents asks for nothing here: naming an agent excludes every token. */
function ofTokens(filter: CallFilter): CallFilter {
  const agentId = filter.source === 'agent' ? (filter.agentId ?? NO_AGENT) : filter.agentId
  return { ...filter, agentId, source: 'api_token' }
}

/** No agent has this id: an id is at least one character long. */
const NO_AGENT = ''
