import type { OwnedEvent } from '@iron/journal'
import {
  hidesDetails,
  isPerson,
  type Principal,
  principalId,
  refusePendingPasswordChange,
  requirePermission,
} from '../http/principal.ts'

/** Whoever reads events: what they may see (websocket.md 3). */
export interface Reader {
  readonly principal: Principal
  /** Under what their connections are counted, and what a later `auth` must prove again. */
  readonly key: string
  readonly scope: ReaderScope
  /** Error texts are not for viewers. */
  readonly hidesErrors: boolean
}

/** All events, those of agents that somebody owns now, or those of one agent. */
export type ReaderScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'own'; readonly ownerId: string }
  | { readonly kind: 'agent'; readonly agentId: string }

/** @throws {ApiError} FORBIDDEN, PASSWORD_CHANGE_REQUIRED */
export function readerOf(principal: Principal): Reader {
  refusePendingPasswordChange(principal)
  const key = `${principal.kind}:${principalId(principal)}`
  if (!isPerson(principal)) {
    return { principal, key, scope: { kind: 'agent', agentId: principal.agentId }, hidesErrors: false }
  }
  const reach = requirePermission(principal, 'events:read')
  const scope: ReaderScope = reach === 'any' ? { kind: 'all' } : { kind: 'own', ownerId: principal.userId }
  return { principal, key, scope, hidesErrors: hidesDetails(principal) }
}

/** Whether two readers see the same. */
export function seesAs(one: Reader, other: Reader): boolean {
  return JSON.stringify([one.scope, one.hidesErrors]) === JSON.stringify([other.scope, other.hidesErrors])
}

/** Whether an event is in a reader's scope. */
export function maySee({ scope }: Reader, event: OwnedEvent): boolean {
  switch (scope.kind) {
    case 'all':
      return true
    case 'own':
      return event.ownerId === scope.ownerId
    case 'agent':
      return event.agentId === scope.agentId
  }
}
