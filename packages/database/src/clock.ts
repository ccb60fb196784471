/** Where every package reads the time: milliseconds since 1970-01-01T00:00:00Z. Injected, so that tests decide what time it is. */
export interface Clock {
  now(): number
}

/** The wall clock of this machine. The only place of the house, besides the id source, that reads it. */
export const systemClock: Clock = Object.freeze({ now: () => Date.now() })
