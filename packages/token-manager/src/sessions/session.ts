import type { EpochMs, Flag } from '@iron/database'
import type { Role } from '@iron/rbac'
import type { User } from '../users/user.ts'

/** Where a call came from, for the record. */
export interface ClientContext {
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
  readonly requestId?: string | undefined
}

/** One login. Ends by logout, refresh reuse, suspension, deletion, a new password or its expiry. */
export interface Session {
  readonly id: string
  readonly userId: string
  /** Epoch ms, like all times. */
  readonly createdAt: number
  /** Login or last refresh. */
  readonly lastUsedAt: number
  /** When the refresh token expires. */
  readonly expiresAt: number
  readonly ip: string | null
  readonly userAgent: string | null
}

/** The two tokens of a session, shown only here. */
export interface SessionTokens {
  readonly sessionId: string
  readonly accessToken: string
  /** Of the access token, epoch ms. */
  readonly expiresAt: number
  readonly refreshToken: string
  readonly refreshExpiresAt: number
}

/** Who an access token stands for. Role and flag are those stored now, not those of the day of issue. */
export interface SessionPrincipal {
  readonly kind: 'session'
  readonly userId: string
  readonly role: Role
  readonly sessionId: string
  /** Of the access token, epoch ms. */
  readonly expiresAt: number
  readonly forcePasswordChange: boolean
}

/** Why a credential is not accepted. */
export interface AuthRefusal {
  readonly outcome: 'refused'
  readonly code:
    'UNAUTHORIZED' | 'TOKEN_EXPIRED' | 'TOKEN_REVOKED' | 'ACCOUNT_SUSPENDED' | 'IP_NOT_ALLOWED' | 'FORBIDDEN'
  /** With `TOKEN_EXPIRED`: epoch ms. */
  readonly expiredAt?: number | undefined
}

/** What a login led to. `invalid_credentials` says nothing more; `suspended` is told only after the right password. */
export type LoginResult =
  | { readonly outcome: 'ok'; readonly user: User; readonly tokens: SessionTokens }
  | { readonly outcome: 'invalid_credentials' }
  /** `until`: epoch ms. */
  | { readonly outcome: 'locked'; readonly until: number }
  | { readonly outcome: 'suspended' }

/** What a refresh led to. */
export type RefreshResult =
  { readonly outcome: 'ok'; readonly user: User; readonly tokens: SessionTokens } | AuthRefusal

/** What an access token led to. */
export type SessionAuthentication = { readonly outcome: 'ok'; readonly principal: SessionPrincipal } | AuthRefusal

/** The columns a {@link Session} is made of. */
export const SESSION_COLUMNS = [
  'id',
  'user_id',
  'created_at',
  'refreshed_at',
  'expires_at',
  'ip',
  'user_agent',
] as const

/** A row of {@link SESSION_COLUMNS}. */
export interface SessionRow {
  readonly id: string
  readonly user_id: string
  readonly created_at: EpochMs
  readonly refreshed_at: EpochMs
  readonly expires_at: EpochMs
  readonly ip: string | null
  readonly user_agent: string | null
}

export function toSession(row: SessionRow): Session {
  return Object.freeze({
    id: row.id,
    userId: row.user_id,
    createdAt: row.created_at,
    lastUsedAt: row.refreshed_at,
    expiresAt: row.expires_at,
    ip: row.ip,
    userAgent: row.user_agent,
  })
}

/** What decides whether a session is in force: the session and the state of its user, read together. */
export interface SessionState {
  readonly user_id: string
  readonly refresh_hash: string
  readonly expires_at: EpochMs
  readonly revoked_at: EpochMs | null
  readonly role: Role
  readonly force_password_change: Flag
  readonly suspended_at: EpochMs | null
  readonly deleted_at: EpochMs | null
}
