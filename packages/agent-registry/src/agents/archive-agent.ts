import { type Microdollars, toUsd } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import { type ActorRef, actorIdOf, type AuditLog, type EventLog } from '@iron/journal'
import type { AgentBudgetManager, LeaseManager } from '@iron/lease-manager'
import { type Agent, agentOf } from '../agent.ts'
import { agentNotFound } from '../errors.ts'
import { clearIcToken } from '../ic-tokens/issue-ic-token.ts'
import { findAgentRow, findProviderIds, setAgentState } from './agent-rows.ts'

/** What archiving did; a repeat does nothing and says so with empty lists. */
export interface ArchivedAgent {
  readonly agent: Agent
  readonly leasesRevoked: readonly string[]
  readonly released: Microdollars
}

/** The services archiving touches. */
export interface ArchiveParts {
  readonly budgets: AgentBudgetManager
  readonly leases: LeaseManager
  readonly audit: AuditLog
  readonly events: EventLog
}

/**
 * Ends an agent for good in the caller's transaction: its leases are revoked and their rest released, its token dies, its
 * budget is closed; all history stays.
 */
export async function archiveAgent(
  tx: WriteTx,
  id: string,
  context: {
    readonly parts: ArchiveParts
    readonly actor: ActorRef
    readonly now: number
    readonly nothing: Microdollars
  },
): Promise<ArchivedAgent> {
  const { parts, actor, now } = context
  // Of two at once the second finds the agent archived, and does nothing.
  await tx.lock(`archive:${id}`)
  const before = await parts.budgets.get(id, { tx })
  const row = await findAgentRow(tx, id)
  if (before === undefined || row === undefined) throw agentNotFound(id)
  const providerIds = await findProviderIds(tx, id)
  if (before.archived) {
    return { agent: agentOf(row, before, providerIds), leasesRevoked: [], released: context.nothing }
  }
  const { leases, released } = await parts.leases.revokeAll(id, actor, { tx, cause: 'agent_archived' })
  await clearIcToken(tx, id, actorIdOf(actor), now)
  const budget = await parts.budgets.archive(id, { tx })
  if (row.state !== 'stopped') {
    await setAgentState.run(tx, { id, state: 'stopped', reason: 'archived', now })
    const data = { previous_state: row.state, reason: 'archived', message: null, by: actorIdOf(actor) }
    parts.events.defer({ type: 'agent.stopped', agentId: id, data }, { tx })
  }
  parts.audit.defer(
    {
      operation: 'AGENT_ARCHIVED',
      resourceType: 'agent',
      resourceId: id,
      actor,
      changes: { before: { status: 'active' }, after: { status: 'archived' } },
      metadata: { leases_revoked: leases, released_usd: toUsd(released) },
    },
    { tx },
  )
  const after = (await findAgentRow(tx, id)) ?? row
  return { agent: agentOf(after, budget, providerIds), leasesRevoked: leases, released }
}
