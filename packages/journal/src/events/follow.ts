import type { IronDatabase, ReadTx } from '@iron/database'
import { EVENTS_CHANNEL } from './append.ts'
import type { IronEvent } from './event.ts'
import { type EventPage, EVENTS_PAGE, type OwnedPage, readEvents, readOwned } from './read.ts'
import type { EventFilter } from './walk.ts'

/** Where a subscription starts and what ends it. */
export interface FollowOptions {
  /** The last number seen. Default: the head when the iteration starts. */
  readonly after?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Replays what is after a position, then follows. Wake-ups only say that there may be more: the log is what is read, so
 * neither a lost nor a merged one loses an event, and at most one page is held.
 */
export async function* followEvents(
  db: IronDatabase,
  filter: EventFilter,
  options: FollowOptions = {},
): AsyncGenerator<IronEvent, void, undefined> {
  const readPage = (tx: ReadTx, after: number | 'latest'): Promise<EventPage> =>
    readEvents(tx, filter, { after, limit: EVENTS_PAGE })
  for await (const page of followPages(db, readPage, options)) {
    for (const event of page.data) {
      if (isAborted(options.signal)) return
      yield event
    }
  }
}

/** The same for all events, page by page, each with the owner that its agent has when it is read. */
export function feedEvents(db: IronDatabase, options: FollowOptions = {}): AsyncGenerator<OwnedPage, void, undefined> {
  return followPages(db, (tx, after) => readOwned(tx, { after, limit: EVENTS_PAGE }), options)
}

/** Full pages at once, the last one as it is; an empty one is not handed on. */
async function* followPages<Page extends Pick<EventPage, 'data' | 'nextCursor'>>(
  db: IronDatabase,
  readPage: (tx: ReadTx, after: number | 'latest') => Promise<Page>,
  { after: start, signal }: FollowOptions,
): AsyncGenerator<Page, void, undefined> {
  if (isAborted(signal)) return
  const bell = new Bell()
  const ring = (): void => bell.ring()
  signal?.addEventListener('abort', ring)
  const stop = await db.listen(EVENTS_CHANNEL, ring)
  try {
    let after: number | 'latest' = start ?? 'latest'
    while (!isAborted(signal)) {
      const from = after
      bell.reset()
      // By number and by page: quick enough for this thread, so that no reader thread has to start first.
      const page = await db.read((tx) => readPage(tx, from), { lookup: true })
      if (page.data.length > 0) yield page
      after = page.nextCursor
      if (page.data.length < EVENTS_PAGE) await bell.rung()
    }
  } finally {
    signal?.removeEventListener('abort', ring)
    await stop()
  }
}

/** Read through a call: the signal changes while a consumer works on what was yielded. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

/**
 * How long a follower waits for a wake-up before it looks by itself, in milliseconds: a lost one delays, and loses nothing. The
 * timer also keeps the process alive for as long as somebody waits, which `AbortSignal.timeout` does not.
 */
const LOOK_EVERY_MS = 5_000

/** Remembers that it was rung until it is reset, so that a wake-up during a read is not lost. */
class Bell {
  #ringing = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#ringing = true
    this.#wake?.()
  }

  reset(): void {
    this.#ringing = false
  }

  rung(): Promise<void> {
    if (this.#ringing) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_EVERY_MS)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
