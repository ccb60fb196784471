import { DatabaseService, type DbSource, type ServiceOptions, type WriteTx } from '@iron/database'
import { appendEntries, auditQueue } from './audit/append.ts'
import { type Chain, chainWith } from './audit/chain.ts'
import { type AuditEntry, type AuditInput, entryOf, prepareEntry } from './audit/entry.ts'
import { type Sources, sourcesOf } from './sources.ts'

/** Options of an {@link AuditLog}. */
export interface AuditLogOptions extends ServiceOptions {
  /** Makes the chain an HMAC: without the key nobody can write entries that verify. Every writer needs the same one. */
  readonly hmacKey?: Uint8Array | undefined
}

/**
 * The audit log: append-only, hash-chained, kept for ever. An entry and the change it tells of commit together or not at all,
 * and numbers follow the commit order.
 */
export class AuditLog extends DatabaseService {
  readonly #chain: Chain
  readonly #sources: Sources

  constructor(source: DbSource, options: AuditLogOptions = {}) {
    super(source, options)
    this.#chain = chainWith(options.hmacKey)
    this.#sources = sourcesOf(source, options)
  }

  /**
   * Writes an entry at once and locks the log's head until the end of the transaction; several writers wait for each other.
   * Values under keys that look like secrets become `[redacted]`.
   *
   * @throws {JournalError} VALIDATION_ERROR; ENTRY_TOO_LARGE above 64 KiB
   */
  async append(entry: AuditInput, options: { readonly tx: WriteTx }): Promise<AuditEntry> {
    const pending = { row: prepareEntry(entry, this.#sources), chain: this.#chain }
    const [row] = await appendEntries(options.tx, [pending])
    return entryOf(row as NonNullable<typeof row>)
  }

  /**
   * Hands in an entry that is written as one of the last statements of the transaction, so that the log's head is locked for
   * as short as possible (budget protocol 12.1). What is wrong with it is thrown here, not at the end.
   *
   * @throws {JournalError} VALIDATION_ERROR; ENTRY_TOO_LARGE above 64 KiB
   */
  defer(entry: AuditInput, options: { readonly tx: WriteTx }): void {
    options.tx.defer(auditQueue, { row: prepareEntry(entry, this.#sources), chain: this.#chain })
  }
}
