import type { IronDatabase } from '@iron/database'
import { EVENTS_CHANNEL } from './append.ts'
import type { IronEvent } from './event.ts'
import { EVENTS_PAGE, type EventFilter, readEvents } from './read.ts'

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
  const { signal } = options
  if (isAborted(signal)) return
  const bell = new Bell()
  const ring = (): void => bell.ring()
  signal?.addEventListener('abort', ring)
  const stop = await db.listen(EVENTS_CHANNEL, ring)
  try {
    let after: number | 'latest' = options.after ?? 'latest'
    while (!isAborted(signal)) {
      const from = after
      bell.reset()
      // By number and by page: quick enough for this thread, so that no reader thread has to start first.
      const page = await db.read((tx) => readEvents(tx, filter, { after: from, limit: EVENTS_PAGE }), { lookup: true })
      for (const event of page.data) {
        if (isAborted(signal)) return
        yield event
      }
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
