/**
 * Finds the slot of a key. From a certain number on, keys are spread over several maps, so that none becomes so large
 * that enlarging it stalls the process.
 */

/** Keys in one map; the next one spreads them all, which takes a few milliseconds. */
const KEYS_IN_ONE_MAP = 16_384
/** A power of two. A million keys make maps of some 31,000 each. */
const PARTS = 32
const PART_SHIFT = 32 - Math.log2(PARTS)
/** 2^32 over the golden ratio: spreads neighbouring numbers. */
const SPREAD = 0x9e3779b1

export class KeyIndex {
  readonly #first = new Map<string, number>()
  #parts: readonly Map<string, number>[] | undefined

  get(key: string): number | undefined {
    return this.#mapOf(key).get(key)
  }

  set(key: string, slot: number): void {
    this.#mapOf(key).set(key, slot)
    if (this.#first.size > KEYS_IN_ONE_MAP) this.#spread()
  }

  delete(key: string): void {
    this.#mapOf(key).delete(key)
  }

  #mapOf(key: string): Map<string, number> {
    return this.#parts === undefined ? this.#first : (this.#parts[partOf(key)] ?? this.#first)
  }

  #spread(): void {
    this.#parts = Array.from({ length: PARTS }, () => new Map<string, number>())
    for (const [key, slot] of this.#first) this.#mapOf(key).set(key, slot)
    this.#first.clear()
  }
}

/** From five characters of the middle and the end, where ids differ. A bad spread costs time, never correctness. */
function partOf(key: string): number {
  const last = key.length - 1
  const middle = key.length >> 1
  let sum = Math.imul(code(key, middle), 31) + code(key, middle - 1)
  for (let at = last - 2; at <= last; at += 1) sum = Math.imul(sum, 31) + code(key, at)
  return Math.imul(sum, SPREAD) >>> PART_SHIFT
}

/** 0 before the first character, where `charCodeAt` would be slow. */
function code(key: string, at: number): number {
  return at < 0 ? 0 : key.charCodeAt(at)
}
