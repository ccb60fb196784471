import { type AtTx, DatabaseService, type DbSource, type ServiceOptions, type WriteTx } from '@iron/database'
import { AuditLog } from './audit-log.ts'
import { appendEvents, eventQueue } from './events/append.ts'
import { eventOf, type IronEvent, type NewEvent, prepareEvent } from './events/event.ts'
import { feedEvents, followEvents, type FollowOptions } from './events/follow.ts'
import { pruneEvents, type PruneOptions } from './events/prune.ts'
import {
  type EventBounds,
  type EventPage,
  type EventPosition,
  type OwnedPage,
  readBounds,
  readEvents,
} from './events/read.ts'
import type { EventFilter } from './events/walk.ts'
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
  readonly #audit: AuditLog | undefined

  constructor(source: DbSource, options: EventLogOptions = {}) {
    super(source, options)
    this.#audit = options.audit
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

  /**
   * A page of events, oldest first unless asked otherwise.
   *
   * @throws {JournalError} VALIDATION_ERROR; CURSOR_EXPIRED: `details.reason` tells whether the position is older than what is
   * kept (`too_old`) or from another database (`unknown_position`)
   */
  override read(filter?: EventFilter, options?: AtTx & EventPosition): Promise<EventPage>
  // The base class has an internal method of this name, which no caller outside can reach through this signature.
  override read<T>(work: never, options?: never): Promise<T>
  override async read(filter: EventFilter = {}, options: AtTx & EventPosition = {}): Promise<EventPage> {
    return super.read((tx) => readEvents(tx, filter, options), { tx: options.tx })
  }

  /** The oldest number that is kept and the last one; `oldest` is `head + 1` when nothing is kept. */
  bounds(options: AtTx = {}): Promise<EventBounds> {
    return super.read((tx) => readBounds(tx), { tx: options.tx, lookup: true })
  }

  /**
   * Replays every kept event after `after`, then follows, without gap or duplicate, until `signal`; holds at most one page
   * (256). Without `after` it starts at the head. Ends without throwing.
   *
   * @throws {JournalError} VALIDATION_ERROR; CURSOR_EXPIRED also later on, when pruning overtakes a slow consumer
   */
  async *subscribe(filter: EventFilter = {}, options: FollowOptions = {}): AsyncIterable<IronEvent> {
    yield* followEvents(await this.ready(), filter, options)
  }

  /**
   * The same for all events, page by page, each with the owner that its agent has when it is read: for whoever hands events on
   * to many readers and decides which of them may see one. Only pages that hold something.
   *
   * @throws {JournalError} as {@link subscribe}
   */
  async *feed(options: FollowOptions = {}): AsyncIterable<OwnedPage> {
    yield* feedEvents(await this.ready(), options)
  }

  /**
   * Deletes events older than `olderThan` (at least a day ago), oldest first; positions before them expire. Recorded in the
   * audit log as `LOG_PRUNED`.
   *
   * @throws {JournalError} VALIDATION_ERROR
   */
  async prune(options: PruneOptions): Promise<number> {
    const db = await this.ready()
    const audit = this.#audit ?? new AuditLog(db, this.#sources)
    return pruneEvents(db, audit, this.#sources.clock.now(), options)
  }
}
