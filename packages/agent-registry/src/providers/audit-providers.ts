import type { WriteTx } from '@iron/database'
import type { Acting } from '../registry-parts.ts'

/** Records which providers an agent had and has, in order of preference. */
export function auditProviders(
  tx: WriteTx,
  agentId: string,
  before: readonly string[],
  after: readonly string[],
  { parts, actor }: Acting,
): void {
  const changes = { before: { provider_ids: before }, after: { provider_ids: after } }
  parts.audit.defer(
    { operation: 'AGENT_PROVIDERS_UPDATED', resourceType: 'agent', resourceId: agentId, actor, changes },
    { tx },
  )
}
