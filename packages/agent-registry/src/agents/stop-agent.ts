import { type Microdollars, toUsd, ZERO } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import { actorIdOf } from '@iron/journal'
import type { Agent } from '../agent.ts'
import { auditedIds } from '../audited-ids.ts'
import type { Acting } from '../registry-parts.ts'
import { setAgentState } from './agent-rows.ts'
import { announceState } from './announce-state.ts'
import { decideStop } from './decide-state.ts'
import { holdBack } from './hold-back.ts'
import { loadLockedAgent } from './load-agent.ts'
import { lockLiveAgent } from './lock-agent.ts'

/** What a stop order did; of an agent that stood stopped already, nothing. */
export interface StoppedAgent {
  readonly agent: Agent
  readonly changed: boolean
  readonly leasesRevoked: readonly string[]
  readonly released: Microdollars
}

/**
 * Stops an agent: told to stop, shown as stopped, its leases revoked, in one commit. The order is told before the ends of the
 * leases, which it sums up.
 *
 * @throws {AgentError} AGENT_NOT_FOUND, AGENT_ARCHIVED
 */
export async function stopAgent(tx: WriteTx, id: string, reason: string | null, acting: Acting): Promise<StoppedAgent> {
  const { parts, actor, now } = acting
  const before = await lockLiveAgent(tx, id, parts)
  if (decideStop({ state: before.state, desired: before.desired_state }) === 'unchanged') {
    return Object.freeze({
      agent: await loadLockedAgent(tx, id, parts),
      changed: false,
      leasesRevoked: [],
      released: ZERO,
    })
  }
  await parts.leases.endOverdue(id, { tx })
  const held = holdBack(tx)
  const { leases, released } = await parts.leases.revokeAll(id, actor, { tx: held.tx, cause: 'agent_stopped' })
  const by = actorIdOf(actor)
  const order = { reason, requested_by: by, leases_revoked: leases.length, released_usd: toUsd(released) }
  parts.events.defer({ type: 'agent.stop_requested', agentId: id, data: order }, { tx })
  held.release()
  await setAgentState.run(tx, { id, state: 'stopped', desired: 'stopped', reason, now })
  announceState(tx, parts.events, before, { state: 'stopped', cause: 'stop_requested', message: reason, by })
  parts.audit.defer(
    {
      operation: 'AGENT_STOPPED',
      resourceType: 'agent',
      resourceId: id,
      actor,
      changes: {
        before: { state: before.state, desired_state: before.desired_state },
        after: { state: 'stopped', desired_state: 'stopped' },
      },
      reason: reason ?? undefined,
      metadata: { leases_revoked: auditedIds(leases), released_usd: toUsd(released) },
    },
    { tx },
  )
  const agent = await loadLockedAgent(tx, id, parts)
  return Object.freeze({ agent, changed: true, leasesRevoked: leases, released })
}
