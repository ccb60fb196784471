import { createHash } from 'node:crypto'
import type { WriteTx } from '@iron/database'
import type { ActorRef, AuditLog } from '@iron/journal'
import { TokenManagerError } from '../errors.ts'
import { usernameKey } from './account-keys.ts'
import { insertUser, userById } from './statements.ts'

/** What {@link requireOwner} works with. */
export interface OwnerProvision {
  /** Create an owner nobody knows yet. */
  readonly provision: boolean
  readonly audit: AuditLog
  readonly nowMs: number
}

/**
 * Makes sure that an owner exists. With `provision`, an unknown id becomes a user without e-mail and password, who owns
 * things but cannot log in (packages.md 8).
 *
 * @throws {TokenManagerError} USER_NOT_FOUND for a deleted owner, and for an unknown one without `provision`
 */
export async function requireOwner(
  tx: WriteTx,
  ownerId: string,
  actor: ActorRef,
  options: OwnerProvision,
): Promise<void> {
  const known = await userById.first(tx, { id: ownerId })
  if (known?.deleted_at === null) return
  if (known !== undefined || !options.provision) throw new TokenManagerError('USER_NOT_FOUND', 'there is no such user')
  const inserted = await insertProvisioned(tx, ownerId, options.nowMs)
  if (!inserted) return
  const after = { username: ownerId, email: null, role: 'user' }
  const operation = { operation: 'USER_CREATED', resourceType: 'user', resourceId: ownerId, actor, changes: { after } }
  options.audit.defer({ ...operation, metadata: { provisioned: true } }, { tx })
}

/** Whether this call created the row; another id that folds to the same name does not stand in the way. */
async function insertProvisioned(tx: WriteTx, id: string, nowMs: number): Promise<boolean> {
  const user = {
    id,
    email: null,
    name: null,
    role: 'user',
    passwordHash: null,
    forcePasswordChange: 0,
    at: nowMs,
  } as const
  const distinct = `${Array.from(id).slice(0, 200).join('')}-${createHash('sha256').update(id).digest('hex').slice(0, 16)}`
  for (const username of [id, distinct]) {
    const key = usernameKey(username)
    const fits = key.length > 0 && Array.from(key).length <= 255
    if (fits && (await insertUser.first(tx, { ...user, username, usernameKey: key })) !== undefined) return true
    if ((await userById.first(tx, { id })) !== undefined) return false
  }
  throw new TokenManagerError('USER_NOT_FOUND', 'there is no such user')
}
