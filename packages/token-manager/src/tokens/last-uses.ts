import type { WriteTx } from '@iron/database'
import { stampUse } from './statements.ts'

/** The last use of a token is written at most this often, in milliseconds (http-api 2). */
const STAMP_EVERY_MS = 60_000
/** Stamps in one transaction. */
const BATCH_MAX = 256
/** Stamps that may wait; above it a use is not stamped: the next one is. */
const WAITING_MAX = 10_000

/** Whether a use should be written down. A stamp of the future, left by a clock that was wrong, is replaced. */
export function isStampDue(lastUsedAt: number | null, nowMs: number): boolean {
  return lastUsedAt === null || Math.abs(nowMs - lastUsedAt) >= STAMP_EVERY_MS
}

/**
 * Stamps the last use of tokens off the hot path (SEC-10): what is noted in one turn of the event loop shares a transaction,
 * one at a time. It is an observation: no answer waits for it, and a stamp that is lost is made again by a later use.
 */
export class LastUses {
  readonly #write: (work: (tx: WriteTx) => Promise<void>) => Promise<void>
  /** By token; one stays until it is written, so that no use in between writes again. */
  readonly #waiting = new Map<string, number>()
  #writing: Promise<void> | undefined

  constructor(write: (work: (tx: WriteTx) => Promise<void>) => Promise<void>) {
    this.#write = write
  }

  note(tokenId: string, nowMs: number): void {
    if (this.#waiting.has(tokenId) || this.#waiting.size >= WAITING_MAX) return
    this.#waiting.set(tokenId, nowMs)
    this.#writing ??= this.#writeAll()
  }

  /** Resolves when everything noted so far is written, or lost. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, BATCH_MAX)
      await this.#write((tx) => stampAll(tx, batch)).catch(() => undefined)
      for (const [tokenId] of batch) this.#waiting.delete(tokenId)
    }
    this.#writing = undefined
  }
}

async function stampAll(tx: WriteTx, uses: readonly (readonly [tokenId: string, at: number])[]): Promise<void> {
  for (const [id, at] of uses) {
    await stampUse.run(tx, { id, at, before: at - STAMP_EVERY_MS, after: at + STAMP_EVERY_MS })
  }
}
