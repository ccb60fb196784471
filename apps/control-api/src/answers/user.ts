import type { SessionTokens, User } from '@iron/token-manager'
import { isoTime, isoTimeOrNull } from './scalars.ts'

/** `User` of http-api 4.2. */
export function userAnswer(user: User) {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    name: user.name,
    role: user.role,
    status: user.status,
    force_password_change: user.forcePasswordChange,
    last_login_at: isoTimeOrNull(user.lastLoginAt),
    suspended_at: isoTimeOrNull(user.suspendedAt),
    deleted_at: isoTimeOrNull(user.deletedAt),
    created_at: isoTime(user.createdAt),
  }
}

/** `SessionTokens` of http-api 4.1. */
export function sessionTokensAnswer(tokens: SessionTokens, user: User, now: number) {
  return {
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    token_type: 'Bearer',
    expires_in: Math.max(0, Math.ceil((tokens.expiresAt - now) / 1_000)),
    expires_at: isoTime(tokens.expiresAt),
    refresh_expires_at: isoTime(tokens.refreshExpiresAt),
    session_id: tokens.sessionId,
    password_change_required: user.forcePasswordChange,
    user: userAnswer(user),
  }
}
