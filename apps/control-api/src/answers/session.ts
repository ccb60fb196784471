import type { Session } from '@iron/token-manager'
import { id, nullable, time } from '../http/schemas.ts'
import { isoTime } from './scalars.ts'
import { component, flag, shape, type Shaped, shown, whole } from './shape.ts'

export const sessionShape = component('Session', {
  id: id('sess'),
  created_at: time(),
  last_used_at: time(),
  expires_at: time(),
  ip: nullable(shown('192.0.2.7')),
  user_agent: nullable(shown('curl/8.5.0')),
  current: flag(true),
})

export const endedShape = shape({ ended: whole(2) })

/** `Session` of http-api 4.1. */
export function sessionAnswer(session: Session, currentId: string | undefined): Shaped<typeof sessionShape> {
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
