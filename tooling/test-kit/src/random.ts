/**
 * Randomness that a seed replays: the same seed gives the same numbers on every machine and for ever, since failing
 * seeds are kept in the repository.
 */

/** Numbers in [0, 1) with 32 random bits each (mulberry32). @param seed any integer; only its low 32 bits count */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
