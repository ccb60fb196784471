import type { AuditEntry, AuditVerification } from '@iron/journal'
import { id, nullable, oneOf, time } from '../http/schemas.ts'
import { isoTime } from './scalars.ts'
import { anyObject, anything, component, flag, shape, type Shaped, shown, usuallyNull, whole } from './shape.ts'

const HASH = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

export const auditEntryShape = component('AuditEntry', {
  id: id('aud'),
  seq: whole(42),
  timestamp: time(),
  operation: shown('BUDGET_UPDATED'),
  resource_type: shown('agent'),
  resource_id: nullable(shown('agent_0199c2f0-5a00-7000-8000-000000000002')),
  actor: shape({
    type: oneOf('user', 'api_token', 'agent', 'system'),
    id: shown('user_0199c2f0-5a00-7000-8000-000000000001'),
    role: nullable(shown('admin')),
  }),
  ip: nullable(shown('192.0.2.7')),
  user_agent: nullable(shown('curl/8.5.0')),
  request_id: nullable(shown('0199c2f0-5a00-7000-8000-0000000000aa')),
  changes: nullable(shape({ before: anything({ allocated_usd: 0 }), after: anything({ allocated_usd: 100 }) })),
  reason: usuallyNull(nullable(shown('More work in March'))),
  metadata: anyObject(),
  prev_hash: shown(HASH),
  hash: shown(HASH),
})

export const auditVerificationShape = shape({
  valid: flag(true),
  head_seq: whole(42),
  head_hash: shown(HASH),
  first_invalid_seq: usuallyNull(nullable(whole(7))),
  fault: usuallyNull(nullable(oneOf('changed', 'missing', 'reordered', 'truncated'))),
})

/** `AuditEntry` of http-api 4.20. */
export function auditEntryAnswer(entry: AuditEntry): Shaped<typeof auditEntryShape> {
  const { actor, changes } = entry
  return {
    id: entry.id,
    seq: entry.seq,
    timestamp: isoTime(entry.at),
    operation: entry.operation,
    resource_type: entry.resourceType,
    resource_id: entry.resourceId,
    actor: { type: actor.type, id: actor.id, role: actor.role ?? null },
    ip: actor.ip ?? null,
    user_agent: actor.userAgent ?? null,
    request_id: actor.requestId ?? null,
    changes: changes === null ? null : { before: changes.before ?? null, after: changes.after ?? null },
    reason: entry.reason,
    metadata: entry.metadata,
    prev_hash: entry.prevHash,
    hash: entry.hash,
  }
}

/** The answer of `GET /audit/verify`. */
export function auditVerificationAnswer(verification: AuditVerification): Shaped<typeof auditVerificationShape> {
  const { ok: valid, head } = verification
  return {
    valid,
    head_seq: head.seq,
    head_hash: head.hash,
    first_invalid_seq: verification.ok ? null : verification.seq,
    fault: verification.ok ? null : verification.fault,
  }
}
