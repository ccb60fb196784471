import type { WriteTx } from '@iron/database'
import type { Agent } from '../agent.ts'
import type { Acting } from '../registry-parts.ts'
import { setAgentState } from './agent-rows.ts'
import { decideResume } from './decide-state.ts'
import { loadLockedAgent } from './load-agent.ts'
import { lockLiveAgent } from './lock-agent.ts'

/** What an order to go on did. */
export interface ResumedAgent {
  readonly agent: Agent
  readonly changed: boolean
}

/** Takes a stop order back: grants are possible again. @throws {AgentError} AGENT_NOT_FOUND, AGENT_ARCHIVED */
export async function resumeAgent(tx: WriteTx, id: string, acting: Acting): Promise<ResumedAgent> {
  const { parts, actor, now } = acting
  const before = await lockLiveAgent(tx, id, parts)
  const changed = decideResume({ state: before.state, desired: before.desired_state }) === 'resume'
  if (changed) {
    await setAgentState.run(tx, { id, state: 'idle', desired: 'running', reason: null, now })
    parts.audit.defer(
      {
        operation: 'AGENT_RESUMED',
        resourceType: 'agent',
        resourceId: id,
        actor,
        changes: {
          before: { state: before.state, desired_state: before.desired_state },
          after: { state: 'idle', desired_state: 'running' },
        },
      },
      { tx },
    )
  }
  return Object.freeze({ agent: await loadLockedAgent(tx, id, parts), changed })
}
