import { DatabaseService, type DbSource, type ServiceOptions, type WriteTx } from '@iron/database'
import { AuditLog } from './audit-log.ts'
import { appendEvents, eventQueue } from './events/append.ts'
import { eventOf, type IronEvent, type NewEvent, prepareEvent } from './events/event.ts'
import { lockHeads } from './log-heads.ts'
import { type Sources, sourcesOf } from './sources.ts'

/** Options of an {@link EventLog}. */
export interface EventLogOptions extends ServiceOptions {
  /** Where pruning is recorded. Default: one on the same source, without a key. */
  readonly audit?: AuditLog | undefined
}

/** The event log: append-only and ordered, so that a reader who remembers one number misses and repeats nothing. */
export class EventLog extends DatabaseService {
  readonly #sources: Sources

  constructor(source: DbSource, options: EventLogOptions = {}) {
    super(source, options)
    this.#sources = sourcesOf(source, options)
  }

  /**
   * Appends an event at once and locks the logs' heads until the end of the transaction. Resolves to `null` when its
   * `dedupeKey` is already in the log.
   *
   * @throws {JournalError} VALIDATION_ERROR; ENTRY_TOO_LARGE above 16 KiB of data
   */
  async append(event: NewEvent, options: { readonly tx: WriteTx }): Promise<IronEvent | null> {
    const pending = prepareEvent(event, this.#sources)
    const [row] = await appendEvents(options.tx, await lockHeads(options.tx), [pending])
    return row === undefined ? null : eventOf(row)
  }

  /**
   * Hands in an event that is written as one of the last statements of the transaction, unless its `dedupeKey` is already in
   * the log. What is wrong with it is thrown here, not at the end.
   *
   * @throws {JournalError} VALIDATION_ERROR; ENTRY_TOO_LARGE above 16 KiB of data
   */
  defer(event: NewEvent, options: { readonly tx: WriteTx }): void {
    options.tx.defer(eventQueue, prepareEvent(event, this.#sources))
  }
}
