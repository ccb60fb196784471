/**
 * Walks the hash chain of one agent's ledger (rulings R7) and tells where it breaks first and how: a row that is not what was
 * written, one that is gone, one that stands under another number, or a ledger that ends before a head kept elsewhere.
 */
import type { LedgerEntriesTable } from '@iron/database'
import { CHAIN_START, rowHash } from './row-hash.ts'

/** Where an agent's ledger stood: its last number and hash. Kept elsewhere, it shows rows that were cut off or written anew. */
export interface LedgerHead {
  readonly agentId: string
  readonly seq: number
  readonly hash: string
}

/** The first bad row of a chain. `found` is the number that stands there, or of the last row that is left. */
export interface ChainBreak {
  readonly seq: number
  readonly what: 'row hash' | 'row missing' | 'row moved' | 'tail missing'
  readonly found: number
}

export class ChainWalk {
  readonly #expected: readonly LedgerHead[]
  #head = { seq: 0, hash: CHAIN_START }
  /** What stood before the first bad row: it tells a moved row from one that is gone. */
  #before = this.#head
  #break: ChainBreak | undefined

  /** @param expected heads of this agent that were kept elsewhere */
  constructor(expected: readonly LedgerHead[] = []) {
    this.#expected = expected
  }

  /** Number and hash of the last row seen, as stored. */
  get head(): { readonly seq: number; readonly hash: string } {
    return this.#head
  }

  /** Takes the next row in the order of their numbers. */
  see(row: Readonly<LedgerEntriesTable>): void {
    const { seq, hash } = row
    if (this.#break === undefined) {
      if (seq !== this.#head.seq + 1) this.#breakAt(this.#head.seq + 1, 'row missing', seq)
      else if (rowHash(this.#head.hash, row) !== hash || !this.#isExpected(seq, hash)) {
        this.#breakAt(seq, 'row hash', seq)
      }
    }
    if (this.#break !== undefined && this.#break.what !== 'row moved') {
      const place = this.#break.seq
      const belongsThere = seq !== place && rowHash(this.#before.hash, { ...row, seq: place }) === hash
      if (belongsThere) this.#break = { seq: place, what: 'row moved', found: seq }
    }
    this.#head = { seq, hash }
  }

  /** The first bad row, once all rows were seen. */
  end(): ChainBreak | undefined {
    if (this.#break !== undefined) return this.#break
    const { seq } = this.#head
    const isCut = this.#expected.some((head) => head.seq > seq)
    return isCut ? { seq: seq + 1, what: 'tail missing', found: seq } : undefined
  }

  #isExpected(seq: number, hash: string): boolean {
    return this.#expected.every((head) => head.seq !== seq || head.hash === hash)
  }

  #breakAt(seq: number, what: ChainBreak['what'], found: number): void {
    this.#before = this.#head
    this.#break = { seq, what, found }
  }
}
