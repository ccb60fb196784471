import type { SessionTokens, User } from '@iron/token-manager'
import { ROLES } from '@iron/rbac'
import { id, nullable, oneOf, time } from '../http/schemas.ts'
import { isoTime, isoTimeOrNull } from './scalars.ts'
import { always, component, flag, list, shape, type Shaped, shown, usuallyNull, whole } from './shape.ts'

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyXy4uLiJ9.c2lnbmF0dXJl'

const userFields = {
  id: shown('user_0199c2f0-5a00-7000-8000-000000000001'),
  username: shown('ada'),
  email: nullable(shown('ada@example.com')),
  name: nullable(shown('Ada Lovelace')),
  role: oneOf(...ROLES),
  status: oneOf('active', 'suspended', 'deleted'),
  force_password_change: flag(false),
  last_login_at: nullable(time()),
  suspended_at: usuallyNull(nullable(time())),
  deleted_at: usuallyNull(nullable(time())),
  created_at: time(),
}

export const userShape = component('User', userFields)

export const meShape = component('Me', { ...userFields, permissions: list(shown('agents:read')) })

export const deletedUserShape = component('DeletedUser', {
  ...userFields,
  status: always('deleted'),
  agents_affected: list(
    shape({
      agent_id: id('agent'),
      name: shown('research-bot'),
      new_owner_id: shown('user_0199c2f0-5a00-7000-8000-000000000001'),
    }),
  ),
  agents_count: whole(1),
  budget_requests_cancelled: whole(0),
  api_tokens_revoked: whole(1),
  sessions_ended: whole(1),
})

export const sessionTokensShape = component('SessionTokens', {
  access_token: shown(JWT),
  refresh_token: shown(JWT),
  token_type: always('Bearer'),
  expires_in: whole(3_600),
  expires_at: time(),
  refresh_expires_at: time(),
  session_id: id('sess'),
  password_change_required: flag(false),
  user: userShape,
})

/** What a credential is and may do: of `GET /auth/verify`. */
export const credentialShape = component('Credential', {
  valid: flag(true),
  kind: oneOf('session', 'api_token', 'ic_token'),
  user_id: nullable(shown('user_0199c2f0-5a00-7000-8000-000000000001')),
  role: nullable(oneOf(...ROLES)),
  permissions: list(shown('agents:read')),
  session_id: nullable(id('sess')),
  token_id: usuallyNull(nullable(id('tok'))),
  agent_id: usuallyNull(nullable(shown('agent_0199c2f0-5a00-7000-8000-000000000002'))),
  budget_id: usuallyNull(nullable(shown('budget_0199c2f0-5a00-7000-8000-000000000002'))),
  expires_at: nullable(time()),
})

/** `User` of http-api 4.2. */
export function userAnswer(user: User): Shaped<typeof userShape> {
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

/**
 * `SessionTokens` of http-api 4.1.
 *
 * @param accessTtlMs the life of an access token: what is left of it when it is answered may be a second less
 */
export function sessionTokensAnswer(
  tokens: SessionTokens,
  user: User,
  accessTtlMs: number,
): Shaped<typeof sessionTokensShape> {
  return {
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    token_type: 'Bearer',
    expires_in: accessTtlMs / 1_000,
    expires_at: isoTime(tokens.expiresAt),
    refresh_expires_at: isoTime(tokens.refreshExpiresAt),
    session_id: tokens.sessionId,
    password_change_required: user.forcePasswordChange,
    user: userAnswer(user),
  }
}
