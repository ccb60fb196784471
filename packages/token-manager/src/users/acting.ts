import type { ActorRef, AuditLog } from '@iron/journal'

/** Who changes an account, when, and where that is recorded. */
export interface Acting {
  /** Recorded, not looked up. */
  readonly actor: ActorRef
  readonly audit: AuditLog
  readonly nowMs: number
}
