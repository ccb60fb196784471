import type { AgentPrincipal } from '@iron/agent-registry'
import type { Actor } from '@iron/journal'
import { can, permissionsOf, type Permission, type Scope, scopeOf, type Subject } from '@iron/rbac'
import type { ApiTokenPrincipal, SessionPrincipal } from '@iron/token-manager'
import { ApiError } from './errors.ts'
import type { RequestContext } from './request-context.ts'

/** A user, by a session or by an API token. */
export type Person = SessionPrincipal | ApiTokenPrincipal

/** Somebody who has proved who they are. */
export type Principal = Person | AgentPrincipal

/** Whether a principal is a user, however they came. */
export function isPerson(principal: Principal): principal is Person {
  return principal.kind !== 'ic_token'
}

/** The person behind a principal, for permission questions; an agent is none. An API token is narrowed by its scopes. */
export function subjectOf(principal: Principal): Subject | undefined {
  if (!isPerson(principal)) return undefined
  const { userId: id, role } = principal
  return principal.kind === 'api_token' ? { id, role, scopes: principal.scopes } : { id, role }
}

/** Viewers see no sensitive detail: no error texts, no attributes of traces (http-api 3.1). */
export function hidesDetails({ role }: Person): boolean {
  return role === 'viewer'
}

/** Who shares a rate limit and an idempotency key: a user with all sessions, a token, an agent (http-api 1.10). */
export function principalId(principal: Principal): string {
  switch (principal.kind) {
    case 'session':
      return principal.userId
    case 'api_token':
      return principal.tokenId
    case 'ic_token':
      return principal.agentId
  }
}

/** A principal as the log names it: the user behind a session or token besides. */
export function principalRef(principal: Principal): string {
  return isPerson(principal) && principal.kind === 'api_token'
    ? `${principal.tokenId} of ${principal.userId}`
    : principalId(principal)
}

/** Who is recorded as having acted, with the request's traces (DAT-11). */
export function actorOf(principal: Principal, context: RequestContext): Actor {
  const { ip, userAgent, requestId } = context
  const traces = { ip, userAgent, requestId }
  if (!isPerson(principal)) return { ...principal.actor, ...traces }
  const { userId, role } = principal
  if (principal.kind === 'api_token') return { type: 'api_token', id: principal.tokenId, userId, role, ...traces }
  return { type: 'user', id: userId, userId, role, ...traces }
}

/** How far a permission reaches. @throws {ApiError} FORBIDDEN, without naming what is missing (ACL-20) */
export function requirePermission(principal: Principal, permission: Permission): Scope {
  const subject = subjectOf(principal)
  const scope = subject === undefined ? undefined : scopeOf(subject, permission)
  if (scope === undefined) throw forbidden()
  return scope
}

/** Whoever must change their password may do nothing else first. @throws {ApiError} PASSWORD_CHANGE_REQUIRED */
export function refusePendingPasswordChange(principal: Principal | undefined): void {
  if (principal?.kind === 'session' && principal.forcePasswordChange) {
    throw new ApiError('PASSWORD_CHANGE_REQUIRED', 'The password must be changed first')
  }
}

/** Whether a principal holds a permission that is asked for besides the route's own. */
export function holds(principal: Principal, permission: Permission): boolean {
  const subject = subjectOf(principal)
  return subject !== undefined && can(subject, permission)
}

/** Everything a principal may do. */
export function permissionsOfPrincipal(principal: Principal): readonly string[] {
  if (!isPerson(principal)) return principal.permissions
  const subject = subjectOf(principal)
  return subject === undefined ? [] : permissionsOf(subject)
}

export function forbidden(): ApiError {
  return new ApiError('FORBIDDEN', 'Not allowed')
}
