import { canonicalJson, Faults, type Json, type JsonObject } from '@iron/database'
import type { AuditLogTable } from '@iron/database'
import { type Actor, type ActorRef, actorOf, checkActor, storedUserAgent } from '../actor.ts'
import { invalid, JournalError } from '../errors.ts'
import type { Sources } from '../sources.ts'
import { redact } from './redact.ts'

/** What is told about one act. */
export interface AuditInput {
  /** UPPER_SNAKE, 1..64 (http-api 1.13). */
  readonly operation: string
  readonly resourceType: string
  readonly resourceId?: string | undefined
  readonly actor: ActorRef
  /** Only the fields that changed. */
  readonly changes?: { readonly before?: Json | undefined; readonly after?: Json | undefined } | undefined
  /** 1..1000. */
  readonly reason?: string | undefined
  readonly metadata?: JsonObject | undefined
}

/** One entry of the audit log. */
export interface AuditEntry {
  readonly id: string
  /** 1, 2, 3… without gaps, in commit order. */
  readonly seq: number
  /** Epoch ms. */
  readonly at: number
  readonly operation: string
  readonly resourceType: string
  readonly resourceId: string | null
  readonly actor: Actor
  readonly changes: { readonly before?: Json | undefined; readonly after?: Json | undefined } | null
  readonly reason: string | null
  readonly metadata: JsonObject
  readonly prevHash: string
  readonly hash: string
}

/** A row of `audit_log` as it is read. */
export type AuditRow = Omit<AuditLogTable, 'metadata'> & { readonly metadata: string }

/** An entry before its place in the chain is known. */
export type PendingRow = Omit<AuditRow, 'seq' | 'prev_hash' | 'hash'>

/** Largest entry, in bytes of its texts (packages.md 7). */
export const ENTRY_BYTES_MAX = 65_536

const OPERATION = /^[A-Z][A-Z0-9_]{0,63}$/
const RESOURCE_TYPE_MAX = 64
const REASON_MAX = 1_000

/**
 * Checks an entry and brings it into its stored form, so that what is wrong with it is said where it is handed in and never
 * fails a whole transaction at its end.
 *
 * @throws {JournalError} VALIDATION_ERROR, ENTRY_TOO_LARGE
 */
export function prepareEntry(entry: AuditInput, sources: Sources): PendingRow {
  const actor = actorOf(entry.actor)
  check(entry, actor)
  const row: PendingRow = {
    id: sources.ids.next('aud'),
    at: sources.clock.now(),
    actor_type: actor.type,
    actor_id: actor.id,
    actor_user_id: actor.userId ?? (actor.type === 'user' ? actor.id : null),
    actor_role: actor.role ?? null,
    operation: entry.operation,
    resource_type: entry.resourceType,
    resource_id: entry.resourceId ?? null,
    http_request_id: actor.requestId ?? null,
    ip: actor.ip ?? null,
    user_agent: storedUserAgent(actor.userAgent),
    changes: entry.changes === undefined ? null : stored(entry.changes),
    reason: entry.reason ?? null,
    metadata: entry.metadata === undefined ? '{}' : stored(entry.metadata),
  }
  const bytes = bytesOf(row)
  if (bytes > ENTRY_BYTES_MAX) {
    const details = { bytes, bytesMax: ENTRY_BYTES_MAX }
    throw new JournalError('ENTRY_TOO_LARGE', 'the audit entry is too large', { details })
  }
  return row
}

/** The entry a row holds. */
export function entryOf(row: AuditRow): AuditEntry {
  const actor: Actor = {
    type: row.actor_type,
    id: row.actor_id,
    ...(row.actor_user_id !== null && { userId: row.actor_user_id }),
    ...(row.actor_role !== null && { role: row.actor_role }),
    ...(row.ip !== null && { ip: row.ip }),
    ...(row.user_agent !== null && { userAgent: row.user_agent }),
    ...(row.http_request_id !== null && { requestId: row.http_request_id }),
  }
  return Object.freeze({
    id: row.id,
    seq: row.seq,
    at: row.at,
    operation: row.operation,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    actor: Object.freeze(actor),
    changes: row.changes === null ? null : (JSON.parse(row.changes) as AuditEntry['changes']),
    reason: row.reason,
    metadata: JSON.parse(row.metadata) as JsonObject,
    prevHash: row.prev_hash,
    hash: row.hash,
  })
}

function check(entry: AuditInput, actor: Actor): void {
  const faults = new Faults()
  faults.check(
    typeof entry.operation === 'string' && OPERATION.test(entry.operation),
    'operation',
    'must be UPPER_SNAKE, 1 to 64 characters long',
  )
  faults.text('resourceType', entry.resourceType, { max: RESOURCE_TYPE_MAX })
  if (entry.resourceId !== undefined) faults.id('resourceId', entry.resourceId)
  if (entry.reason !== undefined) faults.text('reason', entry.reason, { max: REASON_MAX, multiline: true })
  checkActor(actor, faults)
  faults.throwIfAny(invalid('the audit entry is not valid'))
}

/** Stored in one spelling, so that an entry reads the same in every export. */
function stored(value: NonNullable<AuditInput['changes']> | JsonObject): string {
  return canonicalJson(redact(value))
}

function bytesOf(row: PendingRow): number {
  let bytes = 0
  for (const value of Object.values(row)) if (typeof value === 'string') bytes += Buffer.byteLength(value)
  return bytes
}
