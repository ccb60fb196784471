import type { Clock, WriteTx } from '@iron/database'
import type { AuditLog } from '@iron/journal'
import { accountsChanged } from '../account-memory.ts'
import { userById } from '../users/statements.ts'
import { toUser } from '../users/user.ts'
import { stranger } from './client-context.ts'
import { decideRefresh } from './decide-session.ts'
import type { ClientContext, RefreshResult } from './session.ts'
import { hashRefreshToken } from './session-tokens.ts'
import { revokeSession, rotateRefresh, sessionState } from './statements.ts'
import { makeTokenPair, type TokenPairMaker } from './token-pair.ts'

/** A refresh token that has been verified, and the session it names. */
export interface PresentedToken {
  readonly userId: string
  readonly sessionId: string
  readonly hash: string
}

/**
 * Replaces the tokens of a session if the presented one is its current refresh token, and ends the session if it was spent
 * before. Decides on what is stored and writes under the same condition; a faster refresh makes it decide again.
 */
export async function rotateSession(
  tx: WriteTx,
  presented: PresentedToken,
  context: ClientContext,
  made: { readonly clock: Clock; readonly audit: AuditLog; readonly tokens: TokenPairMaker },
): Promise<RefreshResult> {
  const id = presented.sessionId
  for (;;) {
    const nowMs = made.clock.now()
    const decision = decideRefresh(await sessionState.first(tx, { id }), presented, nowMs)
    if (decision === 'reused') {
      const ended = await revokeSession.run(tx, { id, at: nowMs, reason: 'refresh_reuse' })
      if (ended === 1) {
        const entry = { operation: 'SESSION_REUSE_DETECTED', resourceType: 'session', resourceId: id }
        made.audit.defer({ ...entry, actor: stranger(context), metadata: { user_id: presented.userId } }, { tx })
        accountsChanged(tx)
      }
      return { outcome: 'refused', code: 'TOKEN_REVOKED' }
    }
    if (decision !== 'rotate') return decision
    const row = await userById.first(tx, { id: presented.userId })
    if (row === undefined) return { outcome: 'refused', code: 'TOKEN_REVOKED' }
    const tokens = makeTokenPair(made.tokens, row, id, nowMs)
    const to = hashRefreshToken(tokens.refreshToken)
    const next = { id, from: presented.hash, to, at: nowMs, expiresAt: tokens.refreshExpiresAt }
    if ((await rotateRefresh.run(tx, next)) === 1) return Object.freeze({ outcome: 'ok', user: toUser(row), tokens })
  }
}
