import { toUsd } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import { budgetIdOf } from '@iron/lease-manager'
import { lockLiveAgent } from '../agents/lock-agent.ts'
import { auditedIds } from '../audited-ids.ts'
import type { Acting } from '../registry-parts.ts'
import { auditIcToken } from './audit-ic-token.ts'
import type { IcTokenOptions, IssuedIcToken } from './ic-token-info.ts'
import { clearIcToken, findLiveIcToken, storeIcToken } from './ic-token-rows.ts'

/**
 * Replaces an agent's token without grace: with the commit the old one is dead and the leases opened under it are revoked
 * (SEC-11, SEC-14). Works without an old one too.
 *
 * @throws {AgentError} AGENT_NOT_FOUND, AGENT_ARCHIVED
 */
export async function regenerateIcToken(
  tx: WriteTx,
  agentId: string,
  options: IcTokenOptions,
  acting: Acting,
): Promise<IssuedIcToken> {
  const { parts, actor, now } = acting
  await lockLiveAgent(tx, agentId, parts)
  const old = await findLiveIcToken(tx, agentId)
  await clearIcToken(tx, agentId, acting)
  const { leases, released } = await parts.leases.revokeAll(agentId, actor, { tx, cause: 'ic_token_replaced' })
  const token = await storeIcToken(tx, { id: agentId, budgetId: budgetIdOf(agentId) }, options, acting)
  auditIcToken(tx, acting, 'IC_TOKEN_REGENERATED', {
    id: token.id,
    agentId,
    metadata: {
      permissions: [...token.permissions],
      previous_id: old?.id ?? null,
      leases_revoked: auditedIds(leases),
      released_usd: toUsd(released),
    },
  })
  const worked = old !== undefined && (old.expires_at === null || old.expires_at > now)
  return Object.freeze({ ...token, oldTokenInvalidated: worked })
}
