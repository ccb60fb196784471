import {
  type AtTx,
  type Cursor,
  type CursorPage,
  DatabaseService,
  type DbSource,
  type InTx,
  type ServiceOptions,
  type WriteTx,
} from '@iron/database'
import { appendEntries, auditQueue } from './audit/append.ts'
import { type Chain, sharedChain } from './audit/chain.ts'
import { type AuditEntry, type AuditInput, type AuditRow, entryOf, prepareEntry } from './audit/entry.ts'
import { confirmKeyMark } from './audit/key-mark.ts'
import { type AuditFilter, listEntries, readAuditHead, readEntry, readRows } from './audit/read.ts'
import { type AuditHead, type AuditVerification, EMPTY_HEAD, verifyChain } from './audit/verify-chain.ts'
import { exportLine } from './audit/verify-export.ts'
import { checkNumbers } from './check-numbers.ts'
import { JournalError } from './errors.ts'
import { type Sources, sourcesOf } from './sources.ts'

/** Options of an {@link AuditLog}. */
export interface AuditLogOptions extends ServiceOptions {
  /**
   * Makes the chain an HMAC: without the key nobody can write entries that verify. On an open handle it holds for every audit
   * log of that handle, so that all packages extend one chain; give it to the first. Other processes need the same key.
   */
  readonly hmacKey?: Uint8Array | undefined
}

/** Options of {@link AuditLog.verify}. */
export interface AuditVerifyOptions {
  /** First number that is checked. Default 1. */
  readonly fromSeq?: number | undefined
  /** Last number that is checked. Default: the head. */
  readonly toSeq?: number | undefined
  /** A head kept elsewhere: shows a tail that was cut off together with the head in the database. */
  readonly expect?: AuditHead | undefined
  /** How long it may take. Default: as long as it takes. */
  readonly timeoutMs?: number | undefined
}

/**
 * The audit log: append-only, hash-chained, kept for ever. An entry and the change it tells of commit together or not at all,
 * and numbers follow the commit order.
 */
export class AuditLog extends DatabaseService {
  readonly #chainOfSource: () => Chain
  readonly #sources: Sources

  constructor(source: DbSource, options: AuditLogOptions = {}) {
    super(source, options)
    this.#chainOfSource = sharedChain(source, options.hmacKey)
    this.#sources = sourcesOf(source, options)
  }

  /**
   * Writes an entry at once and locks the log's head until the end of the transaction; several writers wait for each other.
   * Values under keys that look like secrets become `[redacted]`.
   *
   * @throws {JournalError} VALIDATION_ERROR; ENTRY_TOO_LARGE above 64 KiB
   */
  async append(entry: AuditInput, options: { readonly tx: WriteTx }): Promise<AuditEntry> {
    const pending = { row: prepareEntry(entry, this.#sources), chain: this.#chainOfSource() }
    const [row] = await appendEntries(options.tx, [pending])
    return entryOf(row as AuditRow)
  }

  /**
   * Hands in an entry that is written as one of the last statements of the transaction, so that the log's head is locked for
   * as short as possible (budget protocol 12.1). What is wrong with it is thrown here, not at the end.
   *
   * @throws {JournalError} VALIDATION_ERROR; ENTRY_TOO_LARGE above 64 KiB
   */
  defer(entry: AuditInput, options: { readonly tx: WriteTx }): void {
    options.tx.defer(auditQueue, { row: prepareEntry(entry, this.#sources), chain: this.#chainOfSource() })
  }

  /**
   * Makes sure that entries are chained with the key this log was begun with. On an empty log the key is noted, on one without
   * a note when it fits the last entry. A host calls it at its start, before anything is appended.
   *
   * @throws {JournalError} AUDIT_KEY_MISMATCH: `details.begunWith` is `no key` or `another key`
   */
  async confirmKey(options: InTx = {}): Promise<void> {
    const chain = this.#chainOfSource()
    await this.write((tx) => confirmKeyMark(tx, chain), options)
  }

  /** The entry with an id (`aud_…`), or `undefined`. */
  get(id: string, options: AtTx = {}): Promise<AuditEntry | undefined> {
    return this.read((tx) => readEntry(tx, id), { tx: options.tx, lookup: true })
  }

  /**
   * A page of entries by number, newest first unless asked otherwise.
   *
   * @throws {DatabaseError} VALIDATION_ERROR, INVALID_CURSOR
   * @throws {JournalError} VALIDATION_ERROR
   */
  async list(filter: AuditFilter = {}, options: Cursor & AtTx = {}): Promise<CursorPage<AuditEntry>> {
    checkNumbers({ from: filter.from, to: filter.to }, 'the times are not valid')
    return this.read((tx) => listEntries(tx, filter, options), { tx: options.tx })
  }

  /** The last number and hash. Keep it elsewhere: it is what a later {@link verify} can be held against. */
  head(options: AtTx = {}): Promise<AuditHead> {
    return this.read((tx) => readAuditHead(tx), { tx: options.tx, lookup: true })
  }

  /**
   * Recomputes the chain in constant memory and names the first entry that does not fit.
   *
   * @throws {JournalError} VALIDATION_ERROR; QUERY_TIMEOUT after `timeoutMs`
   */
  async verify(options: AuditVerifyOptions = {}): Promise<AuditVerification> {
    const { fromSeq = 1, toSeq, expect, timeoutMs } = options
    checkNumbers({ fromSeq, toSeq, 'expect.seq': expect?.seq, timeoutMs }, 'what is to be verified is not valid', 0)
    // Entries that were there beyond the head when it was read did not come through the log.
    const { head, beyond } = await this.read(async (tx) => {
      const now = await readAuditHead(tx)
      return { head: now, beyond: await readRows(tx, now.seq, 1) }
    })
    const after = fromSeq <= 1 ? EMPTY_HEAD : await this.#headAt(fromSeq - 1)
    if (after === undefined) {
      const fault = fromSeq - 1 > head.seq ? 'truncated' : 'missing'
      return Object.freeze({ ok: false, head, seq: fromSeq - 1, fault })
    }
    const rows = this.#walk(after.seq, toSeq, timeoutMs)
    const result = await verifyChain(rows, this.#chainOfSource(), {
      after,
      lastSeq: Math.min(toSeq ?? head.seq, head.seq),
      expect: expect !== undefined && expect.seq <= (toSeq ?? expect.seq) ? expect : undefined,
    })
    if (!result.ok) return Object.freeze({ ...result, head })
    if (toSeq !== undefined && toSeq < head.seq) return Object.freeze({ ok: true, head })
    if (beyond.length > 0) return Object.freeze({ ok: false, head, seq: head.seq + 1, fault: 'changed' })
    // The head is a copy of the last entry: when it is not, one of the two was tampered with.
    const copied = result.head.seq !== head.seq || result.head.hash === head.hash
    return Object.freeze(copied ? { ok: true, head } : { ok: false, head, seq: head.seq, fault: 'changed' })
  }

  /**
   * Every entry after a number as one line of JSON, in order and in constant memory, for {@link verifyExport}.
   *
   * @param options.after default 0: all
   * @throws {JournalError} VALIDATION_ERROR
   */
  async *export(options: { readonly after?: number | undefined } = {}): AsyncIterable<string> {
    checkNumbers({ after: options.after }, 'what is to be exported is not valid', 0)
    for await (const row of this.#walk(options.after ?? 0)) yield exportLine(row)
  }

  async #headAt(seq: number): Promise<AuditHead | undefined> {
    const [row] = await this.read((tx) => readRows(tx, seq - 1, 1), { lookup: true })
    return row?.seq === seq ? { seq, hash: row.hash } : undefined
  }

  /** Rows in order; without `last` all that are there, so that rows beyond the head are seen too. */
  async *#walk(after: number, last = Number.MAX_SAFE_INTEGER, timeoutMs = Infinity): AsyncGenerator<AuditRow> {
    const deadline = this.#sources.clock.now() + timeoutMs
    for (let position = after; position < last;) {
      if (this.#sources.clock.now() > deadline) {
        throw new JournalError('QUERY_TIMEOUT', 'the audit log was not verified in time', {
          details: { seq: position },
        })
      }
      const from = position
      const rows = await this.read((tx) => readRows(tx, from))
      for (const row of rows) if (row.seq <= last) yield row
      const end = rows.at(-1)
      if (end === undefined) return
      position = end.seq
    }
  }
}
