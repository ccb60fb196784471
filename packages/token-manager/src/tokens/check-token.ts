/** Checks of what may be said about a token. Whether its owner holds the scopes is decided where the owner's role is read. */
import { Faults } from '@iron/database'
import { parsePermission, type Permission, PERMISSIONS, permissionsOf, type Role } from '@iron/rbac'
import { refuseFaults } from '../errors.ts'
import { checkTrimmed, storedName } from '../users/names.ts'
import { isAddressRange } from './allowed-ips.ts'
import type { TokenChange, TokenOptions } from './token.ts'

/** Bounds of http-api 4.3; texts in code points. */
const NAME_MAX = 100
const DESCRIPTION_MAX = 500
const PROJECT_MAX = 100
const ALLOWED_IPS_MAX = 50
/** The last instant a date can tell, epoch ms. */
const TIME_MAX = 8_640_000_000_000_000

/** A new token whose every field has been checked, in the form in which it is stored. */
export interface CheckedToken {
  readonly name: string
  readonly description: string | null
  readonly projectId: string | null
  readonly scopes: readonly Permission[] | null
  readonly allowedIps: readonly string[]
  readonly expiresAt: number | null
}

/** @throws {TokenManagerError} VALIDATION_ERROR */
export function checkNewToken(ownerId: string, name: string, options: TokenOptions, nowMs: number): CheckedToken {
  const faults = new Faults()
  const { description, projectId, scopes, allowedIps, expiresAt } = options
  faults.id('ownerId', ownerId)
  const checked = {
    name: checkedName(faults, name),
    description: description === undefined ? null : checkedDescription(faults, description),
    projectId: projectId === undefined ? null : checkedProject(faults, projectId),
    scopes: scopes === undefined ? null : checkedScopes(faults, scopes),
    allowedIps: allowedIps === undefined ? [] : checkedAddresses(faults, allowedIps),
    expiresAt: expiresAt === undefined ? null : checkedExpiry(faults, expiresAt, nowMs),
  }
  refuseFaults(faults)
  return checked
}

/** What is absent stays absent. @throws {TokenManagerError} VALIDATION_ERROR, also for a change of nothing (VAL-05) */
export function checkTokenChange(change: TokenChange, nowMs: number): TokenChange {
  const faults = new Faults()
  const { name, description, scopes, allowedIps, expiresAt } = change
  const given = [name, description, scopes, allowedIps, expiresAt].some((value) => value !== undefined)
  faults.check(given, '$', 'must change something')
  const checked: TokenChange = {
    name: name === undefined ? undefined : checkedName(faults, name),
    description: mapGiven(description, (text) => checkedDescription(faults, text)),
    scopes: mapGiven(scopes, (list) => checkedScopes(faults, list)),
    allowedIps: allowedIps === undefined ? undefined : checkedAddresses(faults, allowedIps),
    expiresAt: mapGiven(expiresAt, (at) => checkedExpiry(faults, at, nowMs)),
  }
  refuseFaults(faults)
  return checked
}

/** A token cannot be given what its owner does not have (ACL-11). @throws {TokenManagerError} VALIDATION_ERROR on `scopes[i]` */
export function refuseForeignScopes(scopes: readonly Permission[] | null, owner: { id: string; role: Role }): void {
  if (scopes === null) return
  const held = new Set(permissionsOf(owner))
  const faults = new Faults()
  scopes.forEach((scope, index) =>
    faults.check(held.has(scope), `scopes[${index}]`, 'is not a permission of the owner'),
  )
  refuseFaults(faults)
}

function mapGiven<From extends object | string | number, To>(
  value: From | null | undefined,
  map: (value: From) => To,
): To | null | undefined {
  return value === undefined || value === null ? value : map(value)
}

function checkedName(faults: Faults, name: unknown): string {
  checkTrimmed(faults, 'name', name, { max: NAME_MAX })
  return storedName(String(name))
}

/** Stored in the form in which its length is counted, like every text (VAL-06). */
function checkedDescription(faults: Faults, description: unknown): string {
  faults.text('description', description, { min: 0, max: DESCRIPTION_MAX, multiline: true })
  return String(description).normalize('NFC')
}

function checkedProject(faults: Faults, projectId: unknown): string {
  faults.text('projectId', projectId, { max: PROJECT_MAX })
  return String(projectId).normalize('NFC')
}

function checkedScopes(faults: Faults, scopes: unknown): readonly Permission[] {
  if (!Array.isArray(scopes) || scopes.length === 0 || scopes.length > PERMISSIONS.length) {
    faults.add('scopes', `must be a list of 1 to ${PERMISSIONS.length} permissions`)
    return []
  }
  scopes.forEach((scope: unknown, index) => {
    faults.check(parsePermission(scope) !== undefined, `scopes[${index}]`, 'is not a permission')
    faults.check(scopes.indexOf(scope) === index, `scopes[${index}]`, 'is named twice')
  })
  return [...(scopes as Permission[])]
}

function checkedAddresses(faults: Faults, allowedIps: unknown): readonly string[] {
  if (!Array.isArray(allowedIps) || allowedIps.length > ALLOWED_IPS_MAX) {
    faults.add('allowedIps', `must be a list of at most ${ALLOWED_IPS_MAX} addresses`)
    return []
  }
  allowedIps.forEach((range: unknown, index) =>
    faults.check(isAddressRange(range), `allowedIps[${index}]`, 'must be an IP address or a CIDR range'),
  )
  return [...(allowedIps as string[])]
}

function checkedExpiry(faults: Faults, expiresAt: unknown, nowMs: number): number {
  faults.integer('expiresAt', expiresAt, 0, TIME_MAX)
  faults.check(!(Number(expiresAt) <= nowMs), 'expiresAt', 'must be in the future')
  return Number(expiresAt)
}
