/**
 * What a client says about itself, brought into a form that can be stored. It is kept for the record only, so what is too
 * long is cut rather than refused.
 */
import type { Actor } from '@iron/journal'
import type { ClientContext } from './session.ts'

/** Longest address and user agent that are kept, in code points. */
const IP_MAX = 45
const USER_AGENT_MAX = 500

/** The client's address and program as a session row stores them. */
export function storedClient(context: ClientContext): {
  readonly ip: string | null
  readonly userAgent: string | null
} {
  const { ip, userAgent } = context
  return {
    ip: ip === undefined ? null : shortened(ip, IP_MAX),
    userAgent: userAgent === undefined ? null : shortened(userAgent, USER_AGENT_MAX),
  }
}

/** Somebody known to be a user. */
export function userActor(user: { readonly id: string; readonly role: string }, context: ClientContext): Actor {
  return { type: 'user', id: user.id, role: user.role, ...whereFrom(context) }
}

/** Whoever presented a credential that is not accepted: known by address only. */
export function stranger(context: ClientContext): Actor {
  return { type: 'system', id: 'system:login', ...whereFrom(context) }
}

function whereFrom(context: ClientContext): Pick<Actor, 'ip' | 'userAgent' | 'requestId'> {
  const { ip, userAgent } = storedClient(context)
  return { ip: ip ?? undefined, userAgent: userAgent ?? undefined, requestId: context.requestId }
}

/** PostgreSQL stores no NUL, and a record needs no control characters. */
function shortened(text: string, max: number): string {
  return Array.from(text.toWellFormed().replace(/\p{Cc}/gu, ' '))
    .slice(0, max)
    .join('')
}
