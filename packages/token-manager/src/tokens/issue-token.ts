import type { Clock, WriteTx } from '@iron/database'
import type { ActorRef, AuditLog } from '@iron/journal'
import type { Role } from '@iron/rbac'
import { TokenManagerError } from '../errors.ts'
import { ownerLock } from '../users/account-locks.ts'
import { requireOwner } from '../users/provision-owner.ts'
import { userById } from '../users/statements.ts'
import { statusOf } from '../users/user.ts'
import { type CheckedToken, refuseForeignScopes } from './check-token.ts'
import { insertToken } from './insert-token.ts'
import { refuseOverLimit } from './locked-token.ts'
import { generateApiToken } from './secret.ts'
import type { IssuedToken } from './token.ts'

/** What changes of tokens work with. */
export interface TokenContext {
  readonly audit: AuditLog
  readonly clock: Clock
  /** Active tokens an owner may have. */
  readonly maxActive: number
}

/** A token to be issued. */
export interface TokenToIssue extends CheckedToken {
  readonly id: string
  readonly ownerId: string
  /** Create an owner nobody knows yet. */
  readonly provision: boolean
}

/** Makes a secret and stores its token, if the owner may have one more and holds what it is to allow. */
export async function issueToken(
  tx: WriteTx,
  token: TokenToIssue,
  actor: ActorRef,
  context: TokenContext,
): Promise<IssuedToken> {
  const { ownerId, provision } = token
  await tx.lock(ownerLock(ownerId))
  const nowMs = context.clock.now()
  const { audit } = context
  refuseForeignScopes(token.scopes, { id: ownerId, role: await roleOfOwner(tx, ownerId, provision) })
  await refuseOverLimit(tx, ownerId, { max: context.maxActive, nowMs })
  await requireOwner(tx, ownerId, actor, { provision, audit, nowMs })
  const secret = generateApiToken()
  const stored = await insertToken(tx, secret, { ...token, createdAt: nowMs }, { actor, audit, nowMs })
  return Object.freeze({ secret, token: stored })
}

/** @throws {TokenManagerError} USER_NOT_FOUND for a suspended owner as for a missing one (http-api 4.3) */
async function roleOfOwner(tx: WriteTx, ownerId: string, provision: boolean): Promise<Role> {
  const owner = await userById.first(tx, { id: ownerId })
  if (owner === undefined && provision) return 'user'
  if (owner !== undefined && statusOf(owner) === 'active') return owner.role
  throw new TokenManagerError('USER_NOT_FOUND', 'there is no such user')
}
