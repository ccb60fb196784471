import type { WriteTx } from '@iron/database'
import type { ActorRef, AuditLog } from '@iron/journal'
import type { Permission } from '@iron/rbac'
import { hashApiToken, hintOf } from './secret.ts'
import { insertSecret, insertTokenRow } from './statements.ts'
import { type ApiToken, auditedToken, toApiToken, type TokenRow } from './token.ts'

/** What a token without a name is called. */
const NAME_DEFAULT = 'API token'

/** A token to be stored as it is: the caller has checked it, or sets up the past of a development database. */
export interface TokenToInsert {
  readonly id: string
  readonly ownerId: string
  /** Null: a name is given to it. */
  readonly name: string | null
  readonly createdAt: number
  readonly description?: string | null | undefined
  readonly projectId?: string | null | undefined
  readonly scopes?: readonly Permission[] | null | undefined
  readonly allowedIps?: readonly string[] | undefined
  readonly expiresAt?: number | null | undefined
}

/** Who inserts, and when that is. */
export interface InsertContext {
  readonly actor: ActorRef
  readonly audit: AuditLog
  readonly nowMs: number
}

/**
 * Stores a token with its secret, of which only the hash and the hint are kept. The owner exists. Audited as
 * `API_TOKEN_CREATED`.
 */
export async function insertToken(
  tx: WriteTx,
  secret: string,
  token: TokenToInsert,
  context: InsertContext,
): Promise<ApiToken> {
  const hint = hintOf(secret)
  const row: TokenRow = {
    id: token.id,
    owner_id: token.ownerId,
    name: token.name ?? NAME_DEFAULT,
    description: token.description ?? null,
    project_id: token.projectId ?? null,
    scopes: token.scopes ? JSON.stringify(token.scopes) : null,
    allowed_ips: JSON.stringify(token.allowedIps ?? []),
    created_at: token.createdAt,
    expires_at: token.expiresAt ?? null,
    last_used_at: null,
    revoked_at: null,
    hint,
    secret_created_at: token.createdAt,
    replaced_hint: null,
  }
  const changes = { after: auditedToken(row) }
  const entry = { operation: 'API_TOKEN_CREATED', resourceType: 'api_token', resourceId: row.id, changes }
  context.audit.defer({ ...entry, actor: context.actor }, { tx })
  await insertTokenRow.run(tx, {
    id: row.id,
    ownerId: row.owner_id,
    name: row.name,
    description: row.description,
    projectId: row.project_id,
    scopes: row.scopes,
    allowedIps: row.allowed_ips,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  })
  await insertSecret.run(tx, { hash: hashApiToken(secret), tokenId: row.id, hint, at: row.created_at })
  return toApiToken(row, context.nowMs)
}
