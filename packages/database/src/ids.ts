import { randomFillSync } from 'node:crypto'
import type { Clock } from './clock.ts'

/** What an id names; the table stands in http-api 1.2. */
export type IdPrefix =
  | 'user'
  | 'agent'
  | 'budget'
  | 'lease'
  | 'tok'
  | 'ic'
  | 'prov'
  | 'key'
  | 'breq'
  | 'req'
  | 'evt'
  | 'aud'
  | 'lim'
  | 'sess'
  | 'trace'

/** Makes ids. Injected, so that a test or a seed can script them. */
export interface IdSource {
  /** A new id `<prefix>_<uuidv7>`, greater than every id this source made before. */
  next(prefix: IdPrefix): string
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether a value is one of our ids of this kind: the exact prefix and a lower-case UUID of any version (http-api 1.2). */
export function isId(value: unknown, prefix: IdPrefix): value is string {
  return (
    typeof value === 'string' &&
    value.length === prefix.length + 37 &&
    value.startsWith(prefix) &&
    value.charCodeAt(prefix.length) === 0x5f &&
    UUID.test(value.slice(prefix.length + 1))
  )
}

/** Bytes of randomness fetched at once: one system call serves 512 ids. */
const POOL_BYTES = 4096
/** Random bytes in one id: the 62 bits of RFC 9562's `rand_b`. */
const RANDOM_BYTES = 8
/** Largest value of the 12-bit counter in RFC 9562's `rand_a`. */
const COUNTER_MAX = 0xfff

/**
 * UUIDv7 ids (RFC 9562 5.7), monotone in this process: ids of the same millisecond, or of a clock that stepped back,
 * count on in `rand_a` (RFC 9562 6.2, method 1).
 */
export function createIdSource(clock: Clock): IdSource {
  const pool = Buffer.alloc(POOL_BYTES)
  let used = POOL_BYTES
  let lastMs = 0
  let counter = 0
  const next = (prefix: IdPrefix): string => {
    const now = clock.now()
    if (now > lastMs) {
      lastMs = now
      counter = 0
    } else if (counter < COUNTER_MAX) {
      counter += 1
    } else {
      lastMs += 1
      counter = 0
    }
    if (used + RANDOM_BYTES > POOL_BYTES) {
      randomFillSync(pool)
      used = 0
    }
    const time = lastMs.toString(16).padStart(12, '0')
    const random = pool.toString('hex', used, used + RANDOM_BYTES)
    used += RANDOM_BYTES
    const variant = ((parseInt(random.slice(0, 1), 16) & 0x3) | 0x8).toString(16)
    return `${prefix}_${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${variant}${random.slice(1, 4)}-${random.slice(4)}`
  }
  return Object.freeze({ next })
}
