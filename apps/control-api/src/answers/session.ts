import type { Session } from '@iron/token-manager'
import { isoTime } from './scalars.ts'

/** `Session` of http-api 4.1. */
export function sessionAnswer(session: Session, currentId: string | undefined) {
  return {
    id: session.id,
    created_at: isoTime(session.createdAt),
    last_used_at: isoTime(session.lastUsedAt),
    expires_at: isoTime(session.expiresAt),
    ip: session.ip,
    user_agent: session.userAgent,
    current: session.id === currentId,
  }
}
