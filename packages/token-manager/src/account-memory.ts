/**
 * What authentications read of accounts a moment ago: it spares a read per request. Nothing is believed for longer than
 * `maxAgeMs`, and everything is forgotten as soon as any account or credential is known to have changed.
 */
import type { IronDatabase, WriteTx } from '@iron/database'

/** Under which the processes of an installation hear of changes. A wake-up may be lost: nothing is believed for long anyway. */
const CHANNEL = 'iron_accounts'
/** Pause before a subscription that failed is tried again, in milliseconds. */
const FOLLOW_AGAIN_MS = 60_000

interface Entry<T> {
  readonly value: T
  readonly readAtMs: number
}

/** Memories of this process that follow a database. */
const following = new Set<WeakRef<{ forgetAll(): void }>>()

/**
 * To be called by whatever changes a role, a state or a credential, in its transaction: after the commit every memory that
 * follows the database forgets. Those of this process do so before the writer hears of its commit; on PostgreSQL the
 * announcement itself comes back a moment later.
 */
export function accountsChanged(tx: WriteTx): void {
  tx.notify(CHANNEL, '')
  tx.afterCommit(() => {
    for (const reference of following) {
      const memory = reference.deref()
      if (memory === undefined) following.delete(reference)
      else memory.forgetAll()
    }
  })
}

/** A bounded memory by session id, token hash or the like. The oldest entries make room for new ones. */
export class AccountMemory<T> {
  readonly #maxAgeMs: number
  readonly #entriesMax: number
  readonly #entries = new Map<string, Entry<T>>()
  /** Stands before the oldest. A new one each time would walk over all that were removed. */
  #oldest = this.#entries.keys()
  /** Counts what was forgotten, so that a value read before is not stored after it. */
  #generation = 0
  readonly #reference = new WeakRef(this)
  #followed: IronDatabase | undefined
  #followAgainAtMs = -Infinity

  /**
   * @param maxAgeMs how long a value is believed, counted from the begin of its read; 0 remembers nothing
   * @param entriesMax values kept at most
   */
  constructor(maxAgeMs: number, entriesMax: number) {
    this.#maxAgeMs = maxAgeMs
    this.#entriesMax = entriesMax
  }

  /** What was read under a key less than `maxAgeMs` ago. A clock that stepped back makes a value too old to believe. */
  get(key: string, nowMs: number): T | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const ageMs = nowMs - entry.readAtMs
    if (ageMs >= 0 && ageMs < this.#maxAgeMs) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  /**
   * Begins a read: call it before the database is asked.
   *
   * @returns stores what was read, unless anything was forgotten meanwhile
   */
  reading(key: string, nowMs: number): (value: T) => void {
    const generation = this.#generation
    return (value) => {
      if (generation === this.#generation && this.#maxAgeMs > 0) this.#store(key, { value, readAtMs: nowMs })
    }
  }

  /** Forgets one key, and whatever is being read. */
  forget(key: string): void {
    this.#generation += 1
    this.#entries.delete(key)
  }

  /** Forgets everything, and whatever is being read. */
  forgetAll(): void {
    this.#generation += 1
    this.#entries.clear()
  }

  /**
   * Forgets everything whenever accounts or credentials change in a database, from now on until it closes. Calling it again
   * costs nothing. It never fails: without a subscription a change is seen when what was read has become too old.
   */
  follow(db: IronDatabase): void {
    if (this.#followed === db || this.#maxAgeMs === 0) return
    const nowMs = db.clock.now()
    if (nowMs < this.#followAgainAtMs) return
    this.#followed = db
    following.add(this.#reference)
    db.listen(CHANNEL, () => this.forgetAll()).catch(() => {
      this.#followed = undefined
      this.#followAgainAtMs = nowMs + FOLLOW_AGAIN_MS
    })
  }

  #store(key: string, entry: Entry<T>): void {
    this.#entries.delete(key)
    if (this.#entries.size >= this.#entriesMax) {
      const oldest = this.#oldest.next()
      if (oldest.done !== true) this.#entries.delete(oldest.value)
    }
    this.#entries.set(key, entry)
  }
}
