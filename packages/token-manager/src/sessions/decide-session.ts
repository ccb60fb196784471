/** Whether a session is in force, from what was read of it. Pure; the order of the tests is the order of the answers. */
import type { AuthRefusal, SessionState } from './session.ts'

/** The refusals of a session, in their order: ended, expired, account (http-api 2). `undefined`: in force. */
export function decideSession(state: SessionState | undefined, userId: string, nowMs: number): AuthRefusal | undefined {
  // A session that was pruned has ended long ago; one of another user was never signed by us.
  if (state === undefined || state.revoked_at !== null) return refusal('TOKEN_REVOKED')
  if (state.user_id !== userId) return refusal('UNAUTHORIZED')
  if (nowMs >= state.expires_at) return { ...refusal('TOKEN_EXPIRED'), expiredAt: state.expires_at }
  if (state.deleted_at !== null) return refusal('TOKEN_REVOKED')
  if (state.suspended_at !== null) return refusal('ACCOUNT_SUSPENDED')
  return undefined
}

/**
 * What a refresh token with this hash leads to. A token that is not the current one was spent before: somebody holds a
 * copy, so the session ends (AUT-06).
 */
export function decideRefresh(
  state: SessionState | undefined,
  presented: { readonly userId: string; readonly hash: string },
  nowMs: number,
): AuthRefusal | 'reused' | 'rotate' {
  const refused = decideSession(state, presented.userId, nowMs)
  if (refused !== undefined) return refused
  return state?.refresh_hash === presented.hash ? 'rotate' : 'reused'
}

function refusal(code: AuthRefusal['code']): AuthRefusal {
  return { outcome: 'refused', code }
}
