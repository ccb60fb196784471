/**
 * Ids that a seed replays. They have the form of the real ones, `<prefix>_<uuidv7>` (RFC 9562 5.7), and keep the same
 * promise: each is greater than every id the source made before, also when the clock stands still or steps back.
 */
import type { Clock } from './clock.ts'
import { seededRandom } from './random.ts'

/** Makes ids; declared structurally, like `Clock`. */
export interface IdSource {
  next(prefix: string): string
}

/** Largest value of the 12-bit counter in RFC 9562's `rand_a`. */
const COUNTER_MAX = 0xfff

/** Ids that depend on the seed, the clock and the order of the calls, and on nothing else. */
export function seededIds(seed: number, clock: Clock): IdSource {
  const random = seededRandom(seed)
  const hex = (bits: number): string =>
    Math.floor(random() * 2 ** bits)
      .toString(16)
      .padStart(bits / 4, '0')
  let lastMs = -1
  let counter = 0
  return {
    next: (prefix) => {
      const nowMs = clock.now()
      if (nowMs > lastMs) {
        lastMs = nowMs
        counter = 0
      } else if (counter < COUNTER_MAX) {
        counter += 1
      } else {
        lastMs += 1
        counter = 0
      }
      const time = lastMs.toString(16).padStart(12, '0')
      const variant = (8 + Math.floor(random() * 4)).toString(16)
      return `${prefix}_${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${variant}${hex(12)}-${hex(16)}${hex(32)}`
    },
  }
}
