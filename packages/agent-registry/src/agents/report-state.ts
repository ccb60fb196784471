import type { WriteTx } from '@iron/database'
import type { Agent, AgentState } from '../agent.ts'
import { AgentError } from '../errors.ts'
import type { Acting } from '../registry-parts.ts'
import { stampSeen } from '../sign-of-life.ts'
import { setAgentState } from './agent-rows.ts'
import { announceState } from './announce-state.ts'
import { decideReported, stopReasonOf } from './decide-state.ts'
import { loadLockedAgent } from './load-agent.ts'
import { lockLiveAgent } from './lock-agent.ts'

/** What a runtime's word about itself did. */
export interface ReportedState {
  readonly agent: Agent
  readonly changed: boolean
}

/**
 * Takes over what a runtime says it does. It is a sign of life as well, so that whoever runs has been seen.
 *
 * @throws {AgentError} AGENT_NOT_FOUND, AGENT_ARCHIVED; AGENT_STOPPED when it would go on although it is told to stop
 */
export async function reportState(
  tx: WriteTx,
  id: string,
  state: AgentState,
  reason: string | null,
  acting: Acting,
): Promise<ReportedState> {
  const { parts, actor, now } = acting
  const before = await lockLiveAgent(tx, id, parts)
  const decision = decideReported({ state: before.state, desired: before.desired_state }, state)
  if (decision === 'refused') {
    const stopReason = stopReasonOf(before)
    const details = stopReason === null ? {} : { reason: stopReason }
    throw new AgentError('AGENT_STOPPED', 'the agent has been told to stop', { details })
  }
  await stampSeen.run(tx, { agentId: id, at: now })
  if (decision === 'unchanged') return Object.freeze({ agent: await loadLockedAgent(tx, id, parts), changed: false })
  await setAgentState.run(tx, { id, state, desired: before.desired_state, reason, now })
  announceState(tx, parts.events, before, { state, cause: 'runtime', message: reason })
  parts.audit.defer(
    {
      operation: 'AGENT_STATE_CHANGED',
      resourceType: 'agent',
      resourceId: id,
      actor,
      changes: { before: { state: before.state }, after: { state } },
      reason: reason ?? undefined,
    },
    { tx },
  )
  return Object.freeze({ agent: await loadLockedAgent(tx, id, parts), changed: true })
}
