import { type Microdollars, toUsd, ZERO } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import { type Actor, actorIdOf } from '@iron/journal'
import type { Agent } from '../agent.ts'
import { auditedIds } from '../audited-ids.ts'
import { clearIcToken } from '../ic-tokens/ic-token-rows.ts'
import type { Acting } from '../registry-parts.ts'
import { setAgentState } from './agent-rows.ts'
import { announceState } from './announce-state.ts'
import { loadLockedAgent } from './load-agent.ts'
import { lockUnlessArchived } from './lock-agent.ts'

/** What archiving did; a repeat does nothing and says so with empty lists. */
export interface ArchivedAgent {
  readonly agent: Agent
  readonly leasesRevoked: readonly string[]
  readonly released: Microdollars
  readonly budgetRequestsCancelled: readonly string[]
}

/** Requests are not cancelled by whoever archived, but because nothing is left to decide. */
const ARCHIVING: Actor = Object.freeze({ type: 'system', id: 'system:archive' })
const NOTE = 'Auto-cancelled: agent archived'

/**
 * Ends an agent for good in the caller's transaction: its leases are revoked and their rest released, its token dies, what is
 * pending about its budget is cancelled and the budget is closed; all history stays (MON-26). Of two at once the second finds
 * the agent archived, and does nothing.
 *
 * @throws {AgentError} AGENT_NOT_FOUND
 */
export async function archiveAgent(tx: WriteTx, id: string, acting: Acting): Promise<ArchivedAgent> {
  const { parts, actor, now } = acting
  const before = await lockUnlessArchived(tx, id, parts)
  if (before === undefined) {
    const agent = await loadLockedAgent(tx, id, parts)
    return Object.freeze({ agent, leasesRevoked: [], released: ZERO, budgetRequestsCancelled: [] })
  }
  const { leases, released } = await parts.leases.revokeAll(id, actor, { tx, cause: 'agent_archived' })
  await clearIcToken(tx, id, acting)
  const cancelled = await parts.budgetRequests.cancelAll({ agentId: id }, ARCHIVING, NOTE, { tx })
  await parts.budgets.archive(id, { tx })
  if (before.state !== 'stopped' || before.desired_state !== 'stopped')
    await setAgentState.run(tx, { id, state: 'stopped', desired: 'stopped', reason: 'archived', now })
  const by = actorIdOf(actor)
  announceState(tx, parts.events, before, { state: 'stopped', cause: 'archived', message: null, by })
  parts.audit.defer(
    {
      operation: 'AGENT_ARCHIVED',
      resourceType: 'agent',
      resourceId: id,
      actor,
      changes: { before: { status: 'active' }, after: { status: 'archived' } },
      metadata: {
        leases_revoked: auditedIds(leases),
        released_usd: toUsd(released),
        budget_requests_cancelled: auditedIds(cancelled),
      },
    },
    { tx },
  )
  const agent = await loadLockedAgent(tx, id, parts)
  return Object.freeze({ agent, leasesRevoked: leases, released, budgetRequestsCancelled: cancelled })
}
