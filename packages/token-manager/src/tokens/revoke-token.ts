import type { WriteTx } from '@iron/database'
import { type ActorRef, actorIdOf } from '@iron/journal'
import { accountsChanged } from '../account-memory.ts'
import { TokenManagerError } from '../errors.ts'
import { auditedIds } from '../audited-ids.ts'
import { ownerLock } from '../users/account-locks.ts'
import { isLiveUser } from '../users/statements.ts'
import type { TokenContext } from './issue-token.ts'
import { lockedToken, refuseRevoked } from './locked-token.ts'
import { revokeOwnerTokens } from './revoke-owner-tokens.ts'
import { lockUnrevoked, revokeTokenRow } from './statements.ts'
import { type ApiToken, type OfOwner, toApiToken, tokenStatus } from './token.ts'

/** Ends a token for good: every secret of it, also one in its grace (SEC-07). */
export async function revokeToken(
  tx: WriteTx,
  id: string,
  actor: ActorRef,
  context: TokenContext & OfOwner & { readonly reason?: string | undefined },
): Promise<ApiToken> {
  const before = await lockedToken(tx, id, context.ownerId)
  const nowMs = context.clock.now()
  refuseRevoked(before)
  const changes = { before: { status: tokenStatus(before, nowMs) }, after: { status: 'revoked' } }
  const { audit, reason } = context
  const entry = { operation: 'API_TOKEN_REVOKED', resourceType: 'api_token', resourceId: id, actor, changes, reason }
  audit.defer({ ...entry, metadata: { user_id: before.owner_id } }, { tx })
  await revokeTokenRow.run(tx, { id, at: nowMs, by: actorIdOf(actor) })
  accountsChanged(tx)
  return toApiToken({ ...before, revoked_at: nowMs }, nowMs)
}

/** Ends every token of an owner; one audit entry names them. */
export async function revokeAllTokens(
  tx: WriteTx,
  ownerId: string,
  actor: ActorRef,
  context: TokenContext,
): Promise<readonly string[]> {
  await tx.lock(ownerLock(ownerId))
  if (!(await isLiveUser(tx, ownerId))) throw new TokenManagerError('USER_NOT_FOUND', 'there is no such user')
  const ids = (await lockUnrevoked.all(tx, { ownerId })).map(({ id }) => id)
  if (ids.length === 0) return Object.freeze(ids)
  const metadata = { token_ids: [...auditedIds(ids)], tokens_revoked: ids.length }
  const entry = { operation: 'API_TOKEN_REVOKED', resourceType: 'user', resourceId: ownerId, actor, metadata }
  context.audit.defer(entry, { tx })
  await revokeOwnerTokens(tx, ownerId, { at: context.clock.now(), by: actorIdOf(actor) })
  accountsChanged(tx)
  return Object.freeze(ids)
}
