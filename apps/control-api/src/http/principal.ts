import type { AgentPrincipal } from '@iron/agent-registry'
import type { Actor } from '@iron/journal'
import { can, permissionsOf, type Permission, type Scope, scopeOf, type Subject } from '@iron/rbac'
import type { SessionPrincipal } from '@iron/token-manager'
import { ApiError } from './errors.ts'
import type { RequestContext } from './request-context.ts'

/** Somebody who has proved who they are. */
export type Principal = SessionPrincipal | AgentPrincipal

/** The person behind a principal, for permission questions; an agent is none. */
export function subjectOf(principal: Principal): Subject | undefined {
  return principal.kind === 'session' ? { id: principal.userId, role: principal.role } : undefined
}

/** Who is recorded as having acted, with the request's traces (DAT-11). */
export function actorOf(principal: Principal, context: RequestContext): Actor {
  const { ip, userAgent, requestId } = context
  const traces = { ip, userAgent, requestId }
  if (principal.kind === 'ic_token') return { ...principal.actor, ...traces }
  return { type: 'user', id: principal.userId, userId: principal.userId, role: principal.role, ...traces }
}

/** How far a permission reaches. @throws {ApiError} FORBIDDEN, without naming what is missing (ACL-20) */
export function requirePermission(principal: Principal, permission: Permission): Scope {
  const subject = subjectOf(principal)
  const scope = subject === undefined ? undefined : scopeOf(subject, permission)
  if (subject === undefined || scope === undefined || !can(subject, permission)) throw forbidden()
  return scope
}

/** Whether a principal holds a permission that is asked for besides the route's own. */
export function holds(principal: Principal, permission: Permission): boolean {
  const subject = subjectOf(principal)
  return subject !== undefined && can(subject, permission)
}

/** Everything a principal may do. */
export function permissionsOfPrincipal(principal: Principal): readonly string[] {
  const subject = subjectOf(principal)
  return subject === undefined ? (principal as AgentPrincipal).permissions : permissionsOf(subject)
}

export function forbidden(): ApiError {
  return new ApiError('FORBIDDEN', 'Not allowed')
}
