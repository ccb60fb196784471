/**
 * The closed lists of roles and permissions and the only doors through which outside text becomes one of them.
 * Invariant: a value that is not exactly on its list never turns into a role or permission (http-api 3.1).
 */

/** What a person is. Exact lower case on the wire; there is no hierarchy between roles but the policy's table. */
export type Role = 'admin' | 'user' | 'viewer'

/** One thing that may be allowed; what each covers is the table of http-api 3.1. */
export type Permission =
  | 'agents:read'
  | 'agents:write'
  | 'agents:stop'
  | 'metrics:read'
  | 'tokens:write'
  | 'users:manage'
  | 'providers:read'
  | 'providers:manage'
  | 'budgets:request'
  | 'budgets:allocate'
  | 'limits:read'
  | 'limits:manage'
  | 'audit:read'
  | 'events:read'

/** How far a permission reaches: rows the subject owns, or every row. */
export type Scope = 'own' | 'any'

/** Every role, most powerful first. */
export const ROLES: readonly Role[] = Object.freeze<Role[]>(['admin', 'user', 'viewer'])

// A record keyed by the union: a permission added to the type and forgotten here does not compile.
const permissionKeys: Readonly<Record<Permission, true>> = {
  'agents:read': true,
  'agents:write': true,
  'agents:stop': true,
  'metrics:read': true,
  'tokens:write': true,
  'users:manage': true,
  'providers:read': true,
  'providers:manage': true,
  'budgets:request': true,
  'budgets:allocate': true,
  'limits:read': true,
  'limits:manage': true,
  'audit:read': true,
  'events:read': true,
}

/** Every permission, in the order of the table of http-api 3.1. */
export const PERMISSIONS: readonly Permission[] = Object.freeze(Object.keys(permissionKeys) as Permission[])

const roleSet: ReadonlySet<unknown> = new Set(ROLES)
const permissionSet: ReadonlySet<unknown> = new Set(PERMISSIONS)

/** The value as a role, or `undefined` if it is not exactly one: no trimming, no case folding, no default role. */
export function parseRole(value: unknown): Role | undefined {
  return isRole(value) ? value : undefined
}

/** The value as a permission, or `undefined` if it is not exactly one. */
export function parsePermission(value: unknown): Permission | undefined {
  return isPermission(value) ? value : undefined
}

export function isRole(value: unknown): value is Role {
  return roleSet.has(value)
}

export function isPermission(value: unknown): value is Permission {
  return permissionSet.has(value)
}

export function isScope(value: unknown): value is Scope {
  return value === 'own' || value === 'any'
}
