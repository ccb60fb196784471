import type { AuditEntry, AuditVerification } from '@iron/journal'
import { isoTime } from './scalars.ts'

/** `AuditEntry` of http-api 4.20. */
export function auditEntryAnswer(entry: AuditEntry) {
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
export function auditVerificationAnswer(verification: AuditVerification) {
  const { ok: valid, head } = verification
  return {
    valid,
    head_seq: head.seq,
    head_hash: head.hash,
    first_invalid_seq: verification.ok ? null : verification.seq,
    fault: verification.ok ? null : verification.fault,
  }
}
