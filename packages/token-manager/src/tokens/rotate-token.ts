import type { WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { accountsChanged } from '../account-memory.ts'
import { TokenManagerError } from '../errors.ts'
import type { TokenContext } from './issue-token.ts'
import { lockedToken, refuseRevoked } from './locked-token.ts'
import { generateApiToken, hashApiToken, hintOf } from './secret.ts'
import { endGraces, insertSecret, replaceSecret } from './statements.ts'
import { type IssuedToken, type OfOwner, toApiToken, tokenStatus } from './token.ts'

/** Longest grace of a replaced secret: 7 days in milliseconds (http-api 4.3). */
export const GRACE_MAX_MS = 604_800_000

/**
 * Gives a token a new secret. The current one works until its grace is over, one replaced before dies at once: there are
 * never more than two. After a lost answer it may be called again.
 */
export async function rotateToken(
  tx: WriteTx,
  id: string,
  actor: ActorRef,
  context: TokenContext & OfOwner & { readonly graceMs: number },
): Promise<IssuedToken> {
  const before = await lockedToken(tx, id, context.ownerId)
  const nowMs = context.clock.now()
  refuseRevoked(before)
  if (tokenStatus(before, nowMs) !== 'active') {
    throw new TokenManagerError('TOKEN_NOT_ACTIVE', 'the API token has expired')
  }
  const metadata = { user_id: before.owner_id, grace_ms: context.graceMs }
  const entry = { operation: 'API_TOKEN_ROTATED', resourceType: 'api_token', resourceId: id, actor, metadata }
  context.audit.defer(entry, { tx })
  const secret = generateApiToken()
  const hint = hintOf(secret)
  await endGraces.run(tx, { tokenId: id, at: nowMs })
  await replaceSecret.run(tx, { tokenId: id, until: nowMs + context.graceMs })
  await insertSecret.run(tx, { hash: hashApiToken(secret), tokenId: id, hint, at: nowMs })
  accountsChanged(tx)
  const row = { ...before, hint, secret_created_at: nowMs, replaced_hint: before.hint }
  return Object.freeze({ secret, token: toApiToken(row, nowMs) })
}
