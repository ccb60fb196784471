import type { WriteTx } from '@iron/database'
import { TokenManagerError } from '@iron/token-manager'
import { ownerNotFound } from '../errors.ts'
import type { Acting } from '../registry-parts.ts'

/**
 * Makes sure that somebody can own an agent; the caller holds the owner's lock.
 *
 * @throws {AgentError} USER_NOT_FOUND unless the owner is an active user, or unknown and may be provisioned
 */
export async function requireActiveOwner(
  tx: WriteTx,
  ownerId: string,
  { parts, actor, provisionOwners }: Acting & { readonly provisionOwners: boolean },
): Promise<void> {
  try {
    const owner = await parts.users.requireOwner(ownerId, actor, { tx, provision: provisionOwners })
    if (owner.status !== 'active') throw ownerNotFound(ownerId)
  } catch (error) {
    if (error instanceof TokenManagerError && error.code === 'USER_NOT_FOUND') throw ownerNotFound(ownerId)
    throw error
  }
}
