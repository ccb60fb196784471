/**
 * How far this process lags behind the event log. A follower is woken after commits and looks by itself when nothing woke it, as
 * every reader of live events here does; what is committed and this follower has not seen yet is what live clients have not either.
 */
import type { IronDatabase } from '@iron/database'
import { type EventLog, EVENTS_CHANNEL } from '@iron/journal'

/** How long the follower rests after a look, in milliseconds: under load it looks ten times a second and not after each commit. */
const REST_MS = 100
/** How often it looks when nothing wakes it, in milliseconds: as long as other readers of the log wait. */
const LOOK_EVERY_MS = 5_000

/** The follower of one process. */
export class EventLag {
  readonly #database: IronDatabase
  readonly #events: EventLog
  #seen = 0
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #isWoken = false
  #stop: (() => Promise<void>) | undefined

  constructor(database: IronDatabase, events: EventLog) {
    this.#database = database
    this.#events = events
  }

  /** Follows the log from its present head. */
  async start(): Promise<void> {
    if (this.#stop !== undefined) return
    this.#stop = await this.#database.listen(EVENTS_CHANNEL, () => this.#wake())
    this.#seen = (await this.#events.bounds()).head
    this.#rest(LOOK_EVERY_MS)
  }

  /** Follows no more; the lag grows from here. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    const stop = this.#stop
    this.#stop = undefined
    await stop?.()
  }

  /** The age of the oldest event that was committed and not seen, in milliseconds; 0 when there is none. */
  async ms(): Promise<number> {
    const { head } = await this.#events.bounds()
    const seen = this.#seen
    if (head <= seen) return 0
    const { data } = await this.#events.read({}, { after: seen, limit: 1 })
    const [oldest] = data
    // Seen in the meantime, or a clock that is ahead of ours.
    return oldest === undefined ? 0 : Math.max(0, this.#database.clock.now() - oldest.at)
  }

  #wake(): void {
    if (this.#stop === undefined) return
    if (this.#isLooking) this.#isWoken = true
    else void this.#look()
  }

  /** A failed look is made up for by the next one; meanwhile the lag shows it. */
  async #look(): Promise<void> {
    this.#isLooking = true
    this.#isWoken = false
    clearTimeout(this.#timer)
    try {
      this.#seen = (await this.#events.bounds()).head
    } catch {
      // As above.
    }
    if (this.#stop === undefined) return
    this.#rest(REST_MS, () => {
      this.#isLooking = false
      if (this.#isWoken) void this.#look()
      else this.#rest(LOOK_EVERY_MS)
    })
  }

  #rest(ms: number, then: () => void = () => void this.#look()): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, ms).unref()
  }
}
