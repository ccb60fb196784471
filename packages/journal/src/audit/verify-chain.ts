import { type Chain, FIRST_PREV_HASH } from './chain.ts'
import type { AuditRow } from './entry.ts'

/** Where the audit log stands: its last number and hash. Kept elsewhere, it shows a tail that was cut off. */
export interface AuditHead {
  readonly seq: number
  readonly hash: string
}

/** What is wrong with an entry: its content, that it is gone, that it stands elsewhere, or that the log ends before it. */
export type AuditFault = 'changed' | 'missing' | 'reordered' | 'truncated'

/** The result of a verification: the first bad number is named. */
export type AuditVerification =
  | { readonly ok: true; readonly head: AuditHead }
  | { readonly ok: false; readonly head: AuditHead; readonly seq: number; readonly fault: AuditFault }

/** The head of a log without entries. */
export const EMPTY_HEAD: AuditHead = Object.freeze({ seq: 0, hash: FIRST_PREV_HASH })

/** What a verification starts from and must reach. */
export interface ChainExpectation {
  /** The entry before the first one that is read. Default: none. */
  readonly after?: AuditHead | undefined
  /** The last number that must be there, as the log itself says. */
  readonly lastSeq?: number | undefined
  /** A head kept elsewhere; ignored when it lies before the first entry read. */
  readonly expect?: AuditHead | undefined
}

/** The rows of a log in the order in which they are stored; `null` stands for one that cannot be read as a row. */
export type AuditRows = AsyncIterable<AuditRow | null> | Iterable<AuditRow | null>

/**
 * Walks a chain in constant memory. At the first entry that does not fit, the rest is read once more only to tell what
 * happened: an entry that stands further on was moved, one that stands nowhere is missing.
 */
export async function verifyChain(
  rows: AuditRows,
  chain: Chain,
  expectation: ChainExpectation = {},
): Promise<AuditVerification> {
  const { after = EMPTY_HEAD, lastSeq = 0, expect } = expectation
  let head = after
  let expectMet =
    expect === undefined || expect.seq < after.seq || (expect.seq === after.seq && expect.hash === after.hash)
  let broken: { readonly at: AuditHead; fault: AuditFault } | undefined
  for await (const row of rows) {
    if (broken !== undefined) {
      if (row !== null && belongsAfter(row, broken.at, chain)) return found(broken.at, 'reordered')
      continue
    }
    if (row !== null && follows(row, head, chain)) {
      head = { seq: row.seq, hash: row.hash }
      if (expect?.seq === row.seq) {
        if (expect.hash !== row.hash) return found({ ...head, seq: head.seq - 1 }, 'changed', head)
        expectMet = true
      }
    } else if (row !== null && belongsAfter(row, head, chain)) {
      return found(head, 'reordered')
    } else {
      broken = { at: head, fault: row !== null && row.seq > head.seq + 1 ? 'missing' : 'changed' }
    }
  }
  if (broken !== undefined) return found(broken.at, broken.fault)
  if (!expectMet || head.seq < lastSeq) return found(head, 'truncated')
  return Object.freeze({ ok: true, head: Object.freeze(head) })
}

/** Whether a row is the one after `head`, unchanged. */
function follows(row: AuditRow, head: AuditHead, chain: Chain): boolean {
  return row.seq === head.seq + 1 && row.prev_hash === head.hash && chain(head.hash, row) === row.hash
}

/** Whether a row was the one after `head` before its number was changed. */
function belongsAfter(row: AuditRow, head: AuditHead, chain: Chain): boolean {
  return row.prev_hash === head.hash && chain(head.hash, { ...row, seq: head.seq + 1 }) === row.hash
}

/** The verified part ends at `before`: the entry after it is the bad one. */
function found(before: AuditHead, fault: AuditFault, head: AuditHead = before): AuditVerification {
  return Object.freeze({ ok: false, head: Object.freeze(head), seq: before.seq + 1, fault })
}
