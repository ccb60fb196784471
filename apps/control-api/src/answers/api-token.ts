import type { ApiToken } from '@iron/token-manager'
import { PERMISSIONS } from '@iron/rbac'
import { id, nullable, oneOf, time } from '../http/schemas.ts'
import { secretOmitted } from './list.ts'
import { isoTime, isoTimeOrNull } from './scalars.ts'
import { component, list, type Shaped, shown, usuallyNull } from './shape.ts'
import { usageTotalsShape } from './usage.ts'

const tokenFields = {
  id: id('tok'),
  name: shown('nightly export'),
  description: usuallyNull(nullable(shown('Reads spending for the data warehouse'))),
  user_id: id('user'),
  project_id: usuallyNull(nullable(shown('billing'))),
  scopes: nullable(list(oneOf(...PERMISSIONS))),
  allowed_ips: list(shown('192.0.2.0/24')),
  hint: shown('at_Zm9v...9XyZ'),
  status: oneOf('active', 'expired', 'revoked'),
  created_at: time(),
  expires_at: usuallyNull(nullable(time())),
  last_used_at: nullable(time()),
  rotated_at: usuallyNull(nullable(time())),
  revoked_at: usuallyNull(nullable(time())),
}

export const apiTokenShape = component('Token', tokenFields)

export const apiTokenWithUsageShape = component('TokenWithUsage', { ...tokenFields, usage: usageTotalsShape })

export const apiTokenWithSecretShape = component('TokenWithSecret', {
  ...tokenFields,
  token: nullable(shown('at_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9v')),
  ...secretOmitted,
})

/** `Token` of http-api 4.3: everything but the secret. */
export function apiTokenAnswer(token: ApiToken): Shaped<typeof apiTokenShape> {
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
