import { toUsd } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import { lockUnlessArchived } from '../agents/lock-agent.ts'
import { auditedIds } from '../audited-ids.ts'
import type { Acting } from '../registry-parts.ts'
import { auditIcToken } from './audit-ic-token.ts'
import { clearIcToken, findLiveIcToken } from './ic-token-rows.ts'

/**
 * Ends an agent's token and revokes its leases in the same commit (SEC-14).
 *
 * @returns whether there was one; an archived agent has none
 * @throws {AgentError} AGENT_NOT_FOUND
 */
export async function revokeIcToken(tx: WriteTx, agentId: string, acting: Acting): Promise<boolean> {
  const { parts, actor } = acting
  const agent = await lockUnlessArchived(tx, agentId, parts)
  const old = agent === undefined ? undefined : await findLiveIcToken(tx, agentId)
  if (old === undefined) return false
  await clearIcToken(tx, agentId, acting)
  const { leases, released } = await parts.leases.revokeAll(agentId, actor, { tx, cause: 'ic_token_revoked' })
  const metadata = { leases_revoked: auditedIds(leases), released_usd: toUsd(released) }
  auditIcToken(tx, acting, 'IC_TOKEN_REVOKED', { id: old.id, agentId, metadata })
  return true
}
