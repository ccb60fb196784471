import type { WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { accountsChanged } from '../account-memory.ts'
import { difference } from '../difference.ts'
import { userById } from '../users/statements.ts'
import { refuseForeignScopes } from './check-token.ts'
import type { TokenContext } from './issue-token.ts'
import { lockedToken, refuseOverLimit, refuseRevoked } from './locked-token.ts'
import {
  type ApiToken,
  auditedToken,
  type OfOwner,
  toApiToken,
  type TokenChange,
  type TokenRow,
  tokenStatus,
} from './token.ts'

/** Changes what is given of a token that is not revoked; `change` has been checked. */
export async function updateToken(
  tx: WriteTx,
  id: string,
  change: TokenChange,
  actor: ActorRef,
  context: TokenContext & OfOwner,
): Promise<ApiToken> {
  const before = await lockedToken(tx, id, context.ownerId)
  const nowMs = context.clock.now()
  refuseRevoked(before)
  const after = changedRow(before, change)
  const changes = difference(auditedToken(before), auditedToken(after))
  if (changes === undefined) return toApiToken(before, nowMs)
  if (after.scopes !== before.scopes) await refuseScopesOf(tx, before.owner_id, change)
  if (tokenStatus(before, nowMs) === 'expired' && tokenStatus(after, nowMs) === 'active') {
    await refuseOverLimit(tx, before.owner_id, { max: context.maxActive, nowMs })
  }
  const entry = { operation: 'API_TOKEN_UPDATED', resourceType: 'api_token', resourceId: id, actor, changes }
  context.audit.defer({ ...entry, metadata: { user_id: before.owner_id } }, { tx })
  const { name, description, scopes, allowed_ips, expires_at } = after
  await tx.sql
    .updateTable('api_tokens')
    .set({ name, description, scopes, allowed_ips, expires_at })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute()
  accountsChanged(tx)
  return toApiToken(after, nowMs)
}

function changedRow(before: TokenRow, change: TokenChange): TokenRow {
  const { name, description, scopes, allowedIps, expiresAt } = change
  return {
    ...before,
    name: name ?? before.name,
    description: description === undefined ? before.description : description,
    scopes: scopes === undefined ? before.scopes : scopes && JSON.stringify(scopes),
    allowed_ips: allowedIps === undefined ? before.allowed_ips : JSON.stringify(allowedIps),
    expires_at: expiresAt === undefined ? before.expires_at : expiresAt,
  }
}

async function refuseScopesOf(tx: WriteTx, ownerId: string, { scopes }: TokenChange): Promise<void> {
  const owner = await userById.first(tx, { id: ownerId })
  if (owner !== undefined) refuseForeignScopes(scopes ?? null, owner)
}
