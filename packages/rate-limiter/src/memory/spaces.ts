/**
 * All records of a memory store: at most so many, and never forgotten while they limit anybody. There are no timers;
 * operations look at a few records and forget those that say nothing any more, so that no moment is worse than another.
 */
import { type Meter, outcomeOf } from '../meter.ts'
import type { Place } from '../scheme.ts'
import { windowKeptMs } from '../window.ts'
import { setSharedLevel, sharedLevel } from './shared-record.ts'
import { Space } from './space.ts'

/** Operations between two sweeps; one that adds a record counts as several. */
const SWEEP_EVERY = 64
const ADDING_COUNTS_AS = 4
/** Records looked at by a sweep: twice what can have been added since the last, so that they cannot run away from it. */
const SWEPT = (2 * SWEEP_EVERY) / ADDING_COUNTS_AS
/** How long a bucket is kept after it is full, unless there is no room: making it anew costs more than keeping it. */
const FULL_KEPT_MS = 5000

export class Spaces {
  readonly #max: number
  readonly #byPrefix = new Map<string, Space>()
  /** Buckets are swept record by record, windows forgotten as a whole. */
  readonly #inOrder: Space[] = []
  #spaceAt = 0
  #slotAt = 0
  #untilSweep = SWEEP_EVERY
  #size = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#size
  }

  /** The space of a place, made at first use. */
  at({ prefix, meter }: Place): Space {
    let space = this.#byPrefix.get(prefix)
    if (space === undefined) {
      space = new Space({ prefix, endsAt: meter.endsAt, fullMs: meter.fullMs })
      this.#byPrefix.set(prefix, space)
      this.#inOrder.push(space)
    }
    space.fullMs = Math.max(space.fullMs, meter.fullMs)
    return space
  }

  /** Those with keys of the store's direct callers, whose prefixes no limiter has. */
  ofOperations(): Space[] {
    return this.#inOrder.filter(({ prefix }) => prefix === '' || prefix.startsWith('@'))
  }

  /** Takes `cost` if it is there; what came of it (see `outcomeOf`). */
  take(space: Space, meter: Meter, key: string, cost: number, now: number): number {
    this.tick(now)
    const slot = space.find(key)
    return slot === undefined ? this.#takeNew(space, meter, key, cost, now) : space.take(slot, meter, cost, now)
  }

  level(space: Space, meter: Meter, key: string, now: number): number {
    const slot = space.find(key)
    return slot === undefined ? sharedLevel(space, meter, now) : space.level(slot, meter, now)
  }

  setLevel(space: Space, meter: Meter, key: string, level: number, now: number): void {
    const slot = space.find(key)
    if (slot === undefined) this.#add(space, meter, key, level, now)
    else space.setLevel(slot, meter, level, now)
  }

  remove(space: Space, key: string): void {
    const slot = space.find(key)
    if (slot === undefined) return
    space.remove(slot)
    this.#size -= 1
  }

  /** Counts an operation; every few of them, a few records are looked at. */
  tick(now: number): void {
    this.#untilSweep -= 1
    if (this.#untilSweep <= 0) this.#sweep(now, true)
  }

  #takeNew(space: Space, meter: Meter, key: string, cost: number, now: number): number {
    const outcome = outcomeOf(meter, sharedLevel(space, meter, now), cost)
    if (outcome >= 0) this.#add(space, meter, key, outcome, now)
    return outcome
  }

  #add(space: Space, meter: Meter, key: string, level: number, now: number): void {
    if (this.#size >= this.#max && !this.#makeRoom(now)) {
      setSharedLevel(space, meter, level, now)
      return
    }
    // A window that is over by the time given with it: only the raw interface of the store can name one.
    if (space.isDropped) return
    space.setLevel(space.add(key), meter, level, now)
    this.#size += 1
    this.#untilSweep -= ADDING_COUNTS_AS - 1
  }

  #makeRoom(now: number): boolean {
    this.#sweep(now, false)
    return this.#size < this.#max
  }

  /** Looks at the next records, wherever the last sweep left off. @param keeps whether those just over stay a while */
  #sweep(now: number, keeps: boolean): void {
    this.#untilSweep = SWEEP_EVERY
    for (let left = SWEPT; left > 0; left -= 1) {
      const space = this.#inOrder[this.#spaceAt]
      if (space === undefined) this.#goTo(0)
      else if (space.endsAt !== Infinity) {
        if (isPast(space, keeps ? now - windowKeptMs(space.fullMs) : now)) this.#drop(space)
        else this.#goTo(this.#spaceAt + 1)
      } else if (this.#slotAt < space.count) {
        const steps = Math.min(left, space.count - this.#slotAt)
        const removed = space.sweep(this.#slotAt, steps, now, keeps ? FULL_KEPT_MS : 0)
        this.#size -= removed
        this.#slotAt += steps - removed
        left -= steps - 1
      } else this.#goTo(this.#spaceAt + 1)
    }
  }

  #goTo(spaceAt: number): void {
    this.#spaceAt = spaceAt
    this.#slotAt = 0
  }

  #drop(space: Space): void {
    space.isDropped = true
    this.#inOrder.splice(this.#spaceAt, 1)
    this.#byPrefix.delete(space.prefix)
    this.#size -= space.count
  }
}

/** Whether a window has ended by `now`, or lies so far ahead that the clock must have stepped back since. */
function isPast({ endsAt, fullMs }: Space, now: number): boolean {
  return now >= endsAt || endsAt - now > 3 * fullMs
}
