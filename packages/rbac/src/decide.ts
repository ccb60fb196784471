/**
 * The decision: may this subject do that, on this row? Deny by default: every answer starts at "no" and only an exact
 * match of role, permission, scope and owner turns it. Nothing here reads storage, keeps state or authenticates.
 */
import { RbacError } from './errors.ts'
import { isPermission, isRole, isScope, PERMISSIONS, type Permission, type Role, type Scope } from './permissions.ts'
import { defaultPolicy, type Policy } from './policy.ts'

/**
 * Who asks. `scopes` narrows what the role grants and never widens it: the permissions of an API token, for example.
 * Absent or `null` = not narrowed; an empty list = nothing at all.
 */
export interface Subject {
  readonly id: string
  /** The role in force now (for an API token: its owner's), not the one at the time the credential was made. */
  readonly role: Role
  readonly scopes?: readonly Permission[] | null | undefined
}

/** What is asked about. `ownerId` = the owner now; `null` = belongs to nobody, which only `any` reaches. */
export interface Resource {
  readonly ownerId: string | null
}

/** The reasons in their order of precedence: the first that applies is the one given. */
export type Decision =
  | { readonly allowed: true; readonly scope: Scope }
  | { readonly allowed: false; readonly reason: 'no_permission' | 'outside_scopes' | 'not_owner' }

/** The common shape of the questions. Without `policy` the table of http-api 3.1 decides. */
export type Ask<T> = (subject: Subject, permission: Permission, resource?: Resource, policy?: Policy) => T

const allowed: Readonly<Record<Scope, Decision>> = {
  own: Object.freeze({ allowed: true, scope: 'own' }),
  any: Object.freeze({ allowed: true, scope: 'any' }),
}
const noPermission: Decision = Object.freeze({ allowed: false, reason: 'no_permission' })
const outsideScopes: Decision = Object.freeze({ allowed: false, reason: 'outside_scopes' })
const notOwner: Decision = Object.freeze({ allowed: false, reason: 'not_owner' })

/**
 * Decides and says why. Without `resource` the answer is for the collection: the caller filters rows with
 * {@link scopeOf}. Values outside the types (an unknown role, permission or scope, no subject) are denied, never thrown
 * at and never mapped to a default.
 *
 * @example
 * decide({ id: 'user-001', role: 'viewer' }, 'agents:write') // { allowed: false, reason: 'no_permission' }
 */
export const decide: Ask<Decision> = (subject, permission, resource, policy = defaultPolicy) => {
  const granted = reach(subject, permission, policy)
  if (!isScope(granted)) return granted
  if (granted === 'any' || resource === undefined) return allowed[granted]
  return owns(subject, resource) ? allowed.own : notOwner
}

/** `decide` as yes or no. Never throws. */
export const can: Ask<boolean> = (subject, permission, resource, policy) =>
  decide(subject, permission, resource, policy).allowed

/**
 * `decide` as a guard: returns when allowed.
 *
 * @throws {RbacError} FORBIDDEN when the permission is missing or outside the scopes; NOT_OWNER when only ownership is
 * missing, which an HTTP edge answers like a row that does not exist
 */
export const authorize: Ask<void> = (subject, permission, resource, policy) => {
  const decision = decide(subject, permission, resource, policy)
  if (decision.allowed) return
  throw new RbacError(decision.reason === 'not_owner' ? 'NOT_OWNER' : 'FORBIDDEN', { permission })
}

/** How far the permission reaches for the subject, to filter rows by in the query itself; `undefined` = not at all. */
export function scopeOf(subject: Subject, permission: Permission, policy: Policy = defaultPolicy): Scope | undefined {
  const granted = reach(subject, permission, policy)
  return isScope(granted) ? granted : undefined
}

/** Every permission the subject holds with any reach, in the order of {@link PERMISSIONS}. */
export function permissionsOf(subject: Subject, policy: Policy = defaultPolicy): readonly Permission[] {
  return Object.freeze(PERMISSIONS.filter((permission) => scopeOf(subject, permission, policy) !== undefined))
}

/** The scope, or the refusal that comes before any question of ownership. */
function reach(subject: Subject, permission: Permission, policy: Policy): Scope | Decision {
  // The types promise more than a caller in JavaScript or a row of an older database keeps; and a policy may be the
  // caller's own, so what it is asked and what it answers is checked as well.
  const given = subject as Partial<Subject> | null | undefined
  const role = given?.role as Role
  // Our own table knows nothing else, so that asking it is the check: two look-ups of four.
  if (policy !== defaultPolicy && !(isRole(role) && isPermission(permission))) return noPermission
  const scope = policy.grants(role).get(permission)
  if (!isScope(scope)) return noPermission

  const scopes: unknown = given?.scopes
  if (scopes === undefined || scopes === null) return scope
  // Only a list narrows: `includes` of a string would match a part of another permission's name.
  return Array.isArray(scopes) && scopes.includes(permission) ? scope : outsideScopes
}

function owns(subject: Subject, resource: Resource): boolean {
  // `undefined === undefined` and '' === '' must not make an owner; a missing row given as null belongs to nobody.
  const ownerId = (resource as Resource | null)?.ownerId
  return typeof ownerId === 'string' && ownerId !== '' && ownerId === subject.id
}
