/** Choices that a seed decides. */
import { seededRandom } from '@iron/test-kit'

/** One stream of choices. */
export interface Chance {
  /** Whether something of this probability happens. */
  happens(probability: number): boolean
  /** 0 to `count` - 1. */
  below(count: number): number
  /** One of them. */
  pick<T>(list: readonly T[]): T
}

/** The choices of one request: they depend on nothing else, so that any request can be made again alone. */
export function chanceOf(seed: number, index: number): Chance {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))
  const below = (count: number): number => Math.floor(random() * count)
  return {
    happens: (probability) => random() < probability,
    below,
    pick: (list) => {
      if (list.length === 0) throw new Error('nothing to pick from')
      return list[below(list.length)] as never
    },
  }
}
