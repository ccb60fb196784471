import { setImmediate, setTimeout } from 'node:timers/promises'
import { type EventLog, JournalError, type OwnedEvent, type OwnedPage } from '@iron/journal'
import type { Logger } from '../observability/logger.ts'
import { Audience } from './audience.ts'
import type { EventStream } from './event-stream.ts'
import { maySee } from './reader.ts'
import { SharedEvent } from './shared-event.ts'

/**
 * Events that are handed on in one turn of the event loop, and that are remembered, so that a stream that has nearly caught up joins
 * without reading again: the largest of them fit into a client's queue together.
 */
const AT_ONCE = 32
/** How old they may be then, in milliseconds: owners change, and their owner is the one of when they were read. */
const REMEMBERED_MS = 500
/** Pauses before the log is asked again after a failure, in milliseconds: doubled from the first to the longest. */
const RETRY_FIRST_MS = 100
const RETRY_LONGEST_MS = 5_000

interface Remembered {
  readonly shared: SharedEvent
  readonly readAtMs: number
}

/** One stretch of following, from the first client to the last. */
interface Run {
  readonly abort: AbortController
  ended: Promise<void>
}

/**
 * Follows the event log once for all clients of this process, while there are any, and hands each event to those whose readers
 * may see it. Where it stands is a position like theirs, so nothing is lost or repeated when a stream joins it.
 */
export class EventHub {
  readonly #log: EventLog
  readonly #logger: Logger
  readonly #audience = new Audience()
  readonly #attached = new Set<EventStream>()
  #recent: Remembered[] = []
  #run: Run | undefined
  /** Undefined while the hub does not know where it stands. */
  #position: number | undefined
  #placed = Promise.withResolvers<undefined>()

  constructor(log: EventLog, logger: Logger) {
    this.#log = log
    this.#logger = logger
  }

  /** The last number that was handed on. */
  get position(): number {
    return this.#position ?? 0
  }

  /** A stream begins, behind the hub. */
  attach(stream: EventStream): void {
    this.#attached.add(stream)
    this.#run ??= this.#begin()
  }

  /** A stream has ended. */
  detach(stream: EventStream): void {
    this.#audience.delete(stream)
    this.#attached.delete(stream)
    if (this.#attached.size === 0) void this.close()
  }

  /** Resolves when the hub knows where it stands, or follows no more. */
  async ready(): Promise<void> {
    await this.#placed.promise
  }

  /** A stream that has caught up is handed events from now on. @returns false when it has not */
  join(stream: EventStream): boolean {
    const missed = this.#missedBy(stream)
    if (missed === undefined) return false
    for (const { shared } of missed) if (maySee(stream.reader, shared.event)) stream.offer(shared)
    stream.flush()
    // Too slow even for those: it has left, and nobody would take it out again.
    if (stream.isStopped) return true
    this.#audience.add(stream)
    stream.goLive()
    return true
  }

  /** It reads for itself again, from the position it has. */
  leave(stream: EventStream): void {
    stream.goBack()
    this.#audience.delete(stream)
  }

  /** Follows no more. */
  async close(): Promise<void> {
    const run = this.#run
    this.#run = undefined
    this.#displace().resolve(undefined)
    run?.abort.abort()
    await run?.ended
  }

  /** What was handed on after a stream's position; `undefined` when that is too long ago to be known here. */
  #missedBy({ position }: EventStream): readonly Remembered[] | undefined {
    if (this.#position === undefined) return undefined
    if (position >= this.#position) return []
    const first = this.#recent.findIndex(({ shared }) => shared.event.seq === position + 1)
    const oldest = this.#recent[first]
    if (oldest === undefined || performance.now() - oldest.readAtMs > REMEMBERED_MS) return undefined
    return this.#recent.slice(first)
  }

  #begin(): Run {
    const run: Run = { abort: new AbortController(), ended: Promise.resolve() }
    run.ended = this.#follow(run.abort.signal)
    return run
  }

  /** Until nobody is left; a log that cannot be read is asked again. */
  async #follow(signal: AbortSignal): Promise<void> {
    for (let pauseMs = RETRY_FIRST_MS; !isOver(signal); pauseMs = Math.min(pauseMs * 2, RETRY_LONGEST_MS)) {
      try {
        const after = this.#position ?? (await this.#log.bounds()).head
        if (isOver(signal)) return
        this.#place(after)
        for await (const page of this.#log.feed({ after, signal })) {
          await this.#deliver(page, signal)
          if (isOver(signal)) return
          pauseMs = RETRY_FIRST_MS
        }
      } catch (error) {
        if (isOver(signal)) return
        this.#logger.error({ err: error }, 'events cannot be followed')
        if (error instanceof JournalError && error.code === 'CURSOR_EXPIRED') this.#scatter()
        await setTimeout(pauseMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  #place(position: number): void {
    this.#position = position
    this.#placed.resolve(undefined)
  }

  /** Forgets where the hub stands. @returns what those who wait for the next place were waiting for until now */
  #displace(): PromiseWithResolvers<undefined> {
    const before = this.#placed
    this.#placed = Promise.withResolvers<undefined>()
    this.#position = undefined
    this.#recent = []
    return before
  }

  /** The log has moved on without the hub: every stream finds out for itself what it has missed. */
  #scatter(): void {
    const streams = this.#audience.members()
    for (const stream of streams) this.leave(stream)
    this.#displace()
    for (const stream of streams) stream.recover()
  }

  /** Some at a time, so that a client that reads has taken them before more come. */
  async #deliver({ data, nextCursor }: OwnedPage, signal: AbortSignal): Promise<void> {
    for (let from = 0; from < data.length; from += AT_ONCE) {
      if (from > 0) await setImmediate()
      if (isOver(signal)) return
      this.#handOn(data.slice(from, from + AT_ONCE), signal)
    }
    if (!isOver(signal)) this.#position = nextCursor
  }

  #handOn(events: readonly OwnedEvent[], signal: AbortSignal): void {
    const readAtMs = performance.now()
    const touched = new Set<EventStream>()
    for (const event of events) {
      const shared = new SharedEvent(event)
      this.#recent.push({ shared, readAtMs })
      this.#audience.forEach(event, (stream) => {
        if (stream.offer(shared)) touched.add(stream)
      })
      // The last client was too slow for it and has left: whoever comes next does not begin where this stood.
      if (isOver(signal)) return
      this.#position = event.seq
    }
    for (const stream of touched) stream.flush()
    this.#recent = this.#recent.slice(-AT_ONCE)
  }
}

/** Read through a call: the signal changes while the hub waits. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted
}
