import type { WriteTx } from '@iron/database'
import { TokenManagerError } from '../errors.ts'
import { ownerLock } from '../users/account-locks.ts'
import { countActive, lockToken, tokenById } from './statements.ts'
import type { TokenRow } from './token.ts'

/**
 * A token read under its owner's lock and its own, so that nothing changes it until the transaction ends. An owner never
 * changes; the owner's lock comes first, as everywhere (budget protocol 12.1).
 *
 * @param ownerId only a token of this owner is found
 * @throws {TokenManagerError} TOKEN_NOT_FOUND
 */
export async function lockedToken(tx: WriteTx, id: string, ownerId: string | undefined): Promise<TokenRow> {
  const found = await tokenById.first(tx, { id })
  if (found === undefined || (ownerId !== undefined && ownerId !== found.owner_id)) throw tokenNotFound()
  await tx.lock(ownerLock(found.owner_id))
  await lockToken.first(tx, { id })
  const locked = await tokenById.first(tx, { id })
  if (locked === undefined) throw tokenNotFound()
  return locked
}

/** @throws {TokenManagerError} TOKEN_ALREADY_REVOKED (`details.revoked_at`) */
export function refuseRevoked(row: TokenRow): void {
  if (row.revoked_at === null) return
  const details = { revoked_at: new Date(row.revoked_at).toISOString() }
  throw new TokenManagerError('TOKEN_ALREADY_REVOKED', 'the API token is revoked', { details })
}

/**
 * Refuses one more active token than an owner may have; expired and revoked ones do not count (SEC-09). The owner is locked.
 *
 * @throws {TokenManagerError} TOKEN_LIMIT_EXCEEDED (`details.max`)
 */
export async function refuseOverLimit(
  tx: WriteTx,
  ownerId: string,
  limit: { readonly max: number; readonly nowMs: number },
): Promise<void> {
  const counted = await countActive.first(tx, { ownerId, now: limit.nowMs })
  if ((counted?.active ?? 0) < limit.max) return
  const details = { max: limit.max }
  throw new TokenManagerError('TOKEN_LIMIT_EXCEEDED', 'the owner has as many active API tokens as allowed', { details })
}

function tokenNotFound(): TokenManagerError {
  return new TokenManagerError('TOKEN_NOT_FOUND', 'there is no such API token')
}
