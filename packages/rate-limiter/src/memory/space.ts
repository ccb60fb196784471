/**
 * The records of one limiter; of a quota, those of one window. Numbers stand in typed arrays, 8 bytes a key where whole
 * milliseconds are enough. Slots have no gaps (the last one moves into a freed one), so they are swept by walking on.
 */
import { bucketLevel, type Meter, outcomeOf } from '../meter.ts'
import { KeyIndex } from './key-index.ts'
import { KeyList } from './key-list.ts'

/** Slots of the first arrays; they double and halve from there. */
const SLOTS_MIN = 64

export class Space {
  readonly prefix: string
  /** When the window of these records ends; Infinity: buckets. */
  readonly endsAt: number
  /** The longest refill of the rules used here, or the window's length. */
  fullMs: number
  /** Whether the store has forgotten this space; whoever still holds it asks for a new one. */
  isDropped = false
  /** What keys without a record took together, by rule; made when there is no room for their records. */
  shared: Space | undefined
  readonly #index = new KeyIndex()
  readonly #keys = new KeyList()
  /** Bucket: when it is full, epoch ms, rounded down. Window: what is used of it. */
  #values = new Float64Array(SLOTS_MIN)
  /** Bucket: the parts of a ms by which `#values` was rounded down. Made when the first rule needs parts. */
  #rests: Float64Array<ArrayBuffer> | undefined

  constructor({ prefix, endsAt, fullMs }: Pick<Space, 'prefix' | 'endsAt' | 'fullMs'>) {
    this.prefix = prefix
    this.endsAt = endsAt
    this.fullMs = fullMs
  }

  withShared(): Space {
    this.shared ??= new Space(this)
    return this.shared
  }

  get count(): number {
    return this.#keys.length
  }

  find(key: string): number | undefined {
    return this.#index.get(key)
  }

  /** Takes `cost` if it is there; what came of it (see `outcomeOf`). */
  take(slot: number, meter: Meter, cost: number, now: number): number {
    const outcome = outcomeOf(meter, this.level(slot, meter, now), cost)
    if (outcome >= 0) this.setLevel(slot, meter, outcome, now)
    return outcome
  }

  level(slot: number, meter: Meter, now: number): number {
    const value = this.#values[slot] as number
    if (meter.perMs === 0) return value
    const level = bucketLevel(meter, value, this.#rests === undefined ? 0 : (this.#rests[slot] as number), now)
    return level <= meter.full ? level : this.#pullBack(slot, meter, now)
  }

  setLevel(slot: number, meter: Meter, level: number, now: number): void {
    const { perMs } = meter
    if (perMs === 0) {
      this.#values[slot] = level
      return
    }
    const wholeMs = Math.floor(level / perMs)
    this.#values[slot] = now + wholeMs
    const rest = level - wholeMs * perMs
    if (rest !== 0 || this.#rests !== undefined) this.#setRest(slot, rest)
  }

  #setRest(slot: number, rest: number): void {
    this.#rests ??= new Float64Array(this.#values.length)
    this.#rests[slot] = rest
  }

  /** Empties a bucket that is emptier than empty, or a clock that stepped back would block until it is where it was. */
  #pullBack(slot: number, meter: Meter, now: number): number {
    this.setLevel(slot, meter, meter.full, now)
    return meter.full
  }

  /** A slot for a key that has none; its level is to be set. */
  add(key: string): number {
    const slot = this.#keys.length
    this.#keys.push(key)
    this.#index.set(key, slot)
    if (slot === this.#values.length) this.#resize(slot * 2)
    return slot
  }

  remove(slot: number): void {
    const last = this.#keys.length - 1
    const [key, lastKey] = [this.#keys.at(slot), this.#keys.at(last)]
    if (key === undefined || lastKey === undefined) return
    this.#keys.remove(slot)
    this.#index.delete(key)
    if (slot !== last) {
      this.#index.set(lastKey, slot)
      this.#values[slot] = this.#values[last] as number
      if (this.#rests !== undefined) this.#rests[slot] = this.#rests[last] as number
    }
    if (last >= SLOTS_MIN && last * 4 <= this.#values.length) this.#resize(this.#values.length / 2)
  }

  /**
   * Looks at some buckets, `from` on; how many it removed because they have been full for longer than `keptMs`. A bucket
   * further ahead than any refill of this space is pulled back: the clock has stepped back since.
   */
  sweep(from: number, steps: number, now: number, keptMs: number): number {
    let slot = from
    for (let step = 0; step < steps; step += 1) {
      const value = this.#values[slot] as number
      // The last slot moves into this one, and is looked at next.
      if (value < now - keptMs) this.remove(slot)
      else {
        if (value - now > this.fullMs) this.#values[slot] = now + this.fullMs
        slot += 1
      }
    }
    return from + steps - slot
  }

  #resize(length: number): void {
    this.#values = resized(this.#values, length)
    if (this.#rests !== undefined) this.#rests = resized(this.#rests, length)
  }
}

function resized(array: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  const copy = new Float64Array(length)
  copy.set(array.subarray(0, length))
  return copy
}
