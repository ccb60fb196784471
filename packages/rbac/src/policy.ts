/**
 * Policies: which role holds which permission, and how far. A policy is data fixed when it is made; nothing can grant
 * more later, and what the table does not list is denied.
 */
import { RbacError } from './errors.ts'
import { isPermission, isRole, isScope, PERMISSIONS, type Permission, type Role, type Scope } from './permissions.ts'

/** The grants of every role. An implementation answers a role it does not know with an empty map. */
export interface Policy {
  /** What the role holds; a permission that is not a key is denied. */
  grants(role: Role): ReadonlyMap<Permission, Scope>
}

/** The table a policy is made from: role → permission → scope. What is left out is denied. */
export type PolicyTable = { readonly [R in Role]?: { readonly [P in Permission]?: Scope | undefined } | undefined }

/**
 * Makes a policy from a table, checked completely: a misspelt role, permission or scope is an error now rather than a
 * silent denial (or a silent grant) later.
 *
 * @throws {RbacError} INVALID_POLICY with `details.fields` = `{ path: text }`, all faults at once
 */
export function definePolicy(grants: PolicyTable): Policy {
  const faults = new Map<string, string>()
  const table = new Map<Role, ReadonlyMap<Permission, Scope>>()
  if (!isTable(grants)) throw new RbacError('INVALID_POLICY', { fields: { $: 'must be an object of roles' } })

  for (const [role, row] of Object.entries(grants) as [string, unknown][]) {
    if (row === undefined) continue
    if (!isRole(role)) {
      faults.set(role, 'is not a role')
    } else if (!isTable(row)) {
      faults.set(role, 'must be an object of permissions')
    } else {
      table.set(role, readRow(role, row, faults))
    }
  }
  // Not written into an object one by one: the assignment of a key `__proto__` would be lost, and with it the fault.
  if (faults.size > 0) throw new RbacError('INVALID_POLICY', { fields: Object.freeze(Object.fromEntries(faults)) })
  return Object.freeze({ grants: (role: Role) => table.get(role) ?? nothing })
}

function readRow(role: Role, row: object, faults: Map<string, string>): ReadonlyMap<Permission, Scope> {
  const granted: [Permission, Scope][] = []
  for (const [permission, scope] of Object.entries(row) as [string, unknown][]) {
    if (scope === undefined) continue
    if (!isPermission(permission)) faults.set(`${role}.${permission}`, 'is not a permission')
    else if (!isScope(scope)) faults.set(`${role}.${permission}`, "must be 'own' or 'any'")
    else granted.push([permission, scope])
  }
  return unchangeable(new Map(granted))
}

function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `Object.freeze` leaves a Map's entries open to a caller who casts the type away; this closes that door as well. */
function unchangeable<K, V>(map: Map<K, V>): ReadonlyMap<K, V> {
  const refuse = { value: refuseChange }
  return Object.freeze(Object.defineProperties(map, { set: refuse, delete: refuse, clear: refuse }))
}

function refuseChange(): never {
  throw new TypeError('The grants of a policy cannot be changed')
}

const nothing = unchangeable(new Map<Permission, Scope>())

/**
 * The table of http-api 3.1 (its "all", for things that nobody owns, is `any`). The row of `admin` is made from the list
 * of permissions, so that a permission added later is the administrator's from its first day.
 */
export const defaultPolicy: Policy = definePolicy({
  admin: Object.fromEntries(PERMISSIONS.map((permission) => [permission, 'any' as const])),
  user: {
    'agents:read': 'own',
    'agents:write': 'own',
    'agents:stop': 'own',
    'metrics:read': 'own',
    'tokens:write': 'own',
    'providers:read': 'any',
    'budgets:request': 'own',
    'limits:read': 'own',
    'events:read': 'own',
  },
  viewer: {
    'agents:read': 'own',
    'metrics:read': 'own',
    'providers:read': 'any',
    'limits:read': 'own',
    'events:read': 'own',
  },
} satisfies Required<PolicyTable>)
