import { can } from '@iron/rbac'
import type { Permission, Scope } from '@iron/rbac'
import { type Person, subjectOf } from '../http/principal.ts'

/** Who asks, and how far the route's permission reaches for them. */
interface Asker {
  readonly principal: Person
  readonly scope: Scope
}

/**
 * Whose rows a list shows: a filter that names somebody outside the scope finds nothing (http-api 1.8).
 *
 * @returns `ownerId` to filter by (`undefined`: everybody's), or `undefined` when nothing can be found
 */
export function ownerFilter(
  { principal, scope }: Asker,
  asked?: string,
): { readonly ownerId: string | undefined } | undefined {
  if (scope === 'any') return { ownerId: asked }
  return asked === undefined || asked === principal.userId ? { ownerId: principal.userId } : undefined
}

/** The owner a command is restricted to: what is not theirs is not there. `undefined`: everybody's. */
export function ownOnly({ principal, scope }: Asker): string | undefined {
  return scope === 'any' ? undefined : principal.userId
}

/** Owns nothing: for a filter that names somebody outside the caller's scope. */
export const NOBODY = 'nobody'

/** Whether somebody may see a row of this owner. */
export function maySee(principal: Person, permission: Permission, ownerId: string | null): boolean {
  const subject = subjectOf(principal)
  return subject !== undefined && can(subject, permission, { ownerId })
}
