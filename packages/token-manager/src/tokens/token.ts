import type { EpochMs, JsonText } from '@iron/database'
import type { UsageTotals } from '@iron/journal'
import type { Permission, Role } from '@iron/rbac'
import type { AuthRefusal } from '../sessions/session.ts'

/** What a token may be given beside its name. */
export interface TokenOptions {
  /** A part of what its owner may do; absent = all of it, now and later. Not empty. */
  readonly scopes?: readonly Permission[] | undefined
  /** Epoch ms, in the future; absent = until it is revoked. */
  readonly expiresAt?: number | undefined
  /** Label under which usage is counted and limited besides the owner's; 1..100 characters. */
  readonly projectId?: string | undefined
  /** At most 50 addresses or CIDR ranges, IPv4 or IPv6; none = any address. */
  readonly allowedIps?: readonly string[] | undefined
  /** At most 500 characters, several lines. */
  readonly description?: string | undefined
}

/** What may be changed of a token: what is absent stays, null clears. */
export interface TokenChange {
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly scopes?: readonly Permission[] | null | undefined
  readonly allowedIps?: readonly string[] | undefined
  readonly expiresAt?: number | null | undefined
}

/** An API token, without its secret: that is shown once, when it is issued or rotated. */
export interface ApiToken {
  readonly id: string
  readonly ownerId: string
  readonly name: string
  readonly description: string | null
  /** First 7 and last 4 characters of the current secret. */
  readonly hint: string
  readonly status: 'active' | 'expired' | 'revoked'
  /** Null: all of the owner's permissions. */
  readonly scopes: readonly Permission[] | null
  readonly projectId: string | null
  readonly allowedIps: readonly string[]
  /** Epoch ms, like all times. */
  readonly createdAt: number
  readonly expiresAt: number | null
  /** At most a minute old. */
  readonly lastUsedAt: number | null
  /** When its current secret replaced another. */
  readonly rotatedAt: number | null
  readonly revokedAt: number | null
}

/** A token and what its calls used. */
export interface ApiTokenWithUsage extends ApiToken {
  readonly usage: UsageTotals
}

/** A token and its secret, which is in no other answer and cannot be read again. */
export interface IssuedToken {
  readonly secret: string
  readonly token: ApiToken
}

/** Which tokens are listed. */
export interface TokenFilter {
  readonly ownerId?: string | undefined
  readonly projectId?: string | undefined
  /** Part of the name, whatever its case. */
  readonly name?: string | undefined
  readonly status?: ApiToken['status'] | undefined
}

/** Whose token is meant: another user's is not found. */
export interface OfOwner {
  readonly ownerId?: string | undefined
}

/** Who an API token stands for: its owner, with the role of now, narrowed by the token's scopes. */
export interface ApiTokenPrincipal {
  readonly kind: 'api_token'
  readonly tokenId: string
  readonly userId: string
  readonly role: Role
  /** Null: all that the role allows. */
  readonly scopes: readonly Permission[] | null
  readonly projectId: string | null
  /** Epoch ms. */
  readonly expiresAt: number | null
}

/** What a secret led to. */
export type TokenAuthentication = { readonly outcome: 'ok'; readonly principal: ApiTokenPrincipal } | AuthRefusal

/** What is read for an {@link ApiToken}. */
export interface TokenRow {
  readonly id: string
  readonly owner_id: string
  readonly name: string
  readonly description: string | null
  readonly project_id: string | null
  readonly scopes: JsonText | null
  readonly allowed_ips: JsonText
  readonly created_at: EpochMs
  readonly expires_at: EpochMs | null
  readonly last_used_at: EpochMs | null
  readonly revoked_at: EpochMs | null
  readonly hint: string
  /** When the current secret was made. */
  readonly secret_created_at: EpochMs
  /** A secret that was replaced; null when none was. */
  readonly replaced_hint: string | null
}

/** The state is derived, never stored: revoked wins over expired. */
export function tokenStatus(row: Pick<TokenRow, 'revoked_at' | 'expires_at'>, nowMs: number): ApiToken['status'] {
  if (row.revoked_at !== null) return 'revoked'
  return row.expires_at !== null && nowMs >= row.expires_at ? 'expired' : 'active'
}

/** A replaced secret tells of a rotation until it is pruned; later the current one does, by being younger than its token. */
function wasRotated(row: TokenRow): boolean {
  return row.replaced_hint !== null || row.secret_created_at > row.created_at
}

export function toApiToken(row: TokenRow, nowMs: number): ApiToken {
  return Object.freeze({
    id: row.id,
    ownerId: row.owner_id,
    name: row.name,
    description: row.description,
    hint: row.hint,
    status: tokenStatus(row, nowMs),
    scopes: scopesOf(row.scopes),
    projectId: row.project_id,
    allowedIps: allowedIpsOf(row.allowed_ips),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    rotatedAt: wasRotated(row) ? row.secret_created_at : null,
    revokedAt: row.revoked_at,
  })
}

export function scopesOf(stored: JsonText | null): readonly Permission[] | null {
  return stored === null ? null : Object.freeze(JSON.parse(stored) as Permission[])
}

export function allowedIpsOf(stored: JsonText): readonly string[] {
  return Object.freeze(JSON.parse(stored) as string[])
}

/** A token in an audit entry: wire names, nothing secret. */
export function auditedToken(row: TokenRow): AuditedToken {
  return {
    name: row.name,
    description: row.description,
    user_id: row.owner_id,
    project_id: row.project_id,
    scopes: row.scopes === null ? null : (JSON.parse(row.scopes) as string[]),
    allowed_ips: JSON.parse(row.allowed_ips) as string[],
    expires_at: row.expires_at === null ? null : new Date(row.expires_at).toISOString(),
  }
}

/** See {@link auditedToken}. */
export type AuditedToken = Record<
  'name' | 'description' | 'user_id' | 'project_id' | 'scopes' | 'allowed_ips' | 'expires_at',
  string | readonly string[] | null
>
