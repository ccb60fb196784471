import type { DbSource } from '@iron/database'
import { createHmac, createSecretKey, hash as digest } from 'node:crypto'
import type { AuditRow, PendingRow } from './entry.ts'

/** The hash before the first entry: 64 zeros (data-model 3.7). */
export const FIRST_PREV_HASH = '0'.repeat(64)

/** A row as its hash sees it: everything but the two hashes. */
export type HashedRow = PendingRow & { readonly seq: number }

/** How a log's entries are chained. */
export interface Chain {
  /** The hash of an entry that follows `prevHash`. */
  (prevHash: string, row: HashedRow): string
  /** Tells one key from another and from none, and nothing else about it. */
  readonly keyMark: string
}

/** What a key is made to sign to be told from others. */
const KEY_LABEL = 'iron audit chain key'
/** Hex digits of a key's mark. */
const KEY_MARK_LENGTH = 32

/**
 * SHA-256, or HMAC-SHA-256 with a key, over the previous hash followed by the canonical JSON of all other columns
 * (data-model 3.7). Without the key nobody can write a chain that verifies.
 */
export function chainWith(hmacKey: Uint8Array | undefined): Chain {
  if (hmacKey === undefined) {
    const plain = (prevHash: string, row: HashedRow): string => digest('sha256', prevHash + canonicalRow(row), 'hex')
    return Object.assign(plain, { keyMark: 'none' })
  }
  // Node finds out by an exception that bytes are no KeyObject (measured: 22 µs an entry instead of 4).
  const key = createSecretKey(hmacKey)
  const keyed = (prevHash: string, row: HashedRow): string =>
    createHmac('sha256', key).update(prevHash).update(canonicalRow(row)).digest('hex')
  const keyMark = createHmac('sha256', key).update(KEY_LABEL).digest('hex').slice(0, KEY_MARK_LENGTH)
  return Object.assign(keyed, { keyMark })
}

/** The row's place and hashes, given what it follows. */
export function linkRow(row: PendingRow, seq: number, prevHash: string, chain: Chain): AuditRow {
  return { ...row, seq, prev_hash: prevHash, hash: chain(prevHash, { ...row, seq }) }
}

/**
 * Canonical JSON of a row: the columns are listed in sorted order, which JSON.stringify keeps; JSON columns are hashed as the
 * text they hold, so that not even their spelling can be changed.
 */
export function canonicalRow(row: HashedRow): string {
  return JSON.stringify({
    actor_id: row.actor_id,
    actor_role: row.actor_role,
    actor_type: row.actor_type,
    actor_user_id: row.actor_user_id,
    at: row.at,
    changes: row.changes,
    http_request_id: row.http_request_id,
    id: row.id,
    ip: row.ip,
    metadata: row.metadata,
    operation: row.operation,
    reason: row.reason,
    resource_id: row.resource_id,
    resource_type: row.resource_type,
    seq: row.seq,
    user_agent: row.user_agent,
  })
}

/** The chain of a handle whose key was given to one of its audit logs. */
const chainsOfHandles = new WeakMap<object, Chain>()
/** The chain of a log that was begun without a key. */
export const WITHOUT_KEY = chainWith(undefined)

/**
 * The chain an audit log extends: with its own key, else with the key that was given for its open handle, else without. It is
 * asked at each use, because packages make their logs in any order.
 */
export function sharedChain(source: DbSource, hmacKey: Uint8Array | undefined): () => Chain {
  const handle = typeof source === 'string' || source instanceof URL ? undefined : source
  if (hmacKey !== undefined) {
    const chain = chainWith(hmacKey)
    if (handle !== undefined) chainsOfHandles.set(handle, chain)
    return () => chain
  }
  return () => (handle === undefined ? undefined : chainsOfHandles.get(handle)) ?? WITHOUT_KEY
}
