import type { ApiToken } from '@iron/token-manager'
import { isoTime, isoTimeOrNull } from './scalars.ts'

/** `Token` of http-api 4.3: everything but the secret. */
export function apiTokenAnswer(token: ApiToken) {
  return {
    id: token.id,
    name: token.name,
    description: token.description,
    user_id: token.ownerId,
    project_id: token.projectId,
    scopes: token.scopes,
    allowed_ips: token.allowedIps,
    hint: token.hint,
    status: token.status,
    created_at: isoTime(token.createdAt),
    expires_at: isoTimeOrNull(token.expiresAt),
    last_used_at: isoTimeOrNull(token.lastUsedAt),
    rotated_at: isoTimeOrNull(token.rotatedAt),
    revoked_at: isoTimeOrNull(token.revokedAt),
  }
}
