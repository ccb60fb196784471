import type { SessionTokens } from './session.ts'
import type { SessionTokenSigner } from './session-tokens.ts'
import type { User } from '../users/user.ts'

/** How the tokens of a session are made. */
export interface TokenPairMaker {
  readonly signer: SessionTokenSigner
  readonly accessTtlMs: number
  readonly refreshTtlMs: number
}

/** A fresh pair of tokens; the life of both starts now. */
export function makeTokenPair(
  maker: TokenPairMaker,
  user: Pick<User, 'id' | 'role'>,
  sessionId: string,
  nowMs: number,
): SessionTokens {
  const session = { userId: user.id, sessionId }
  const access = maker.signer.issue('access', { ...session, role: user.role }, nowMs, maker.accessTtlMs)
  const refresh = maker.signer.issue('refresh', session, nowMs, maker.refreshTtlMs)
  return Object.freeze({
    sessionId,
    accessToken: access.token,
    expiresAt: access.expiresAt,
    refreshToken: refresh.token,
    refreshExpiresAt: refresh.expiresAt,
  })
}
