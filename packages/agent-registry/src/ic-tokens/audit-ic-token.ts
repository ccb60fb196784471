import type { JsonObject, WriteTx } from '@iron/database'
import type { Acting } from '../registry-parts.ts'

/** One entry per issued, replaced or revoked token, on the record of the token it is about; the token itself never enters. */
export function auditIcToken(
  tx: WriteTx,
  { parts, actor }: Acting,
  operation: 'IC_TOKEN_CREATED' | 'IC_TOKEN_REGENERATED' | 'IC_TOKEN_REVOKED',
  about: { readonly id: string; readonly agentId: string; readonly metadata?: JsonObject | undefined },
): void {
  const metadata = { agent_id: about.agentId, ...about.metadata }
  parts.audit.defer({ operation, resourceType: 'ic_token', resourceId: about.id, actor, metadata }, { tx })
}
