import type { SessionState } from './session.ts'

/** Sessions remembered at most; the oldest make room. */
const ENTRIES_MAX = 10_000

interface Entry {
  readonly state: SessionState
  readonly readAtMs: number
}

/** What was read of sessions a moment ago: spares a read per request, and is never believed longer than `maxAgeMs`. */
export class SessionCache {
  readonly #maxAgeMs: number
  readonly #entries = new Map<string, Entry>()

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs
  }

  /** A clock that stepped back makes every entry too old to believe. */
  get(sessionId: string, nowMs: number): SessionState | undefined {
    const entry = this.#entries.get(sessionId)
    if (entry === undefined) return undefined
    const ageMs = nowMs - entry.readAtMs
    if (ageMs >= 0 && ageMs < this.#maxAgeMs) return entry.state
    this.#entries.delete(sessionId)
    return undefined
  }

  /** @param readAtMs when the read began: what changed while it ran counts as newer */
  set(sessionId: string, state: SessionState, readAtMs: number): void {
    if (this.#maxAgeMs === 0) return
    this.#entries.delete(sessionId)
    if (this.#entries.size >= ENTRIES_MAX) {
      const [oldest] = this.#entries.keys()
      this.#entries.delete(oldest as string)
    }
    this.#entries.set(sessionId, { state, readAtMs })
  }

  forget(sessionId: string): void {
    this.#entries.delete(sessionId)
  }
}
