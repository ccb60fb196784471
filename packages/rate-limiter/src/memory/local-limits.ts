import type { Place } from '../scheme.ts'
import type { Space } from './space.ts'
import type { Spaces } from './spaces.ts'

/** The records of one limiter in a memory store, without the detour over operations and stored keys. */
export class LocalLimits {
  readonly spaces: Spaces
  #place: Place | undefined
  #space: Space | undefined

  constructor(spaces: Spaces) {
    this.spaces = spaces
  }

  /** Takes `cost` if it is there; what came of it (see `outcomeOf`). */
  take(place: Place, key: string, cost: number, now: number): number {
    return this.spaces.take(this.#spaceAt(place), place.meter, key, cost, now)
  }

  remove(place: Place, key: string): void {
    this.spaces.remove(this.#spaceAt(place), key)
  }

  #spaceAt(place: Place): Space {
    const space = this.#space
    return space === undefined || place !== this.#place || space.isDropped ? this.#enter(place) : space
  }

  #enter(place: Place): Space {
    this.#place = place
    this.#space = this.spaces.at(place)
    return this.#space
  }
}
