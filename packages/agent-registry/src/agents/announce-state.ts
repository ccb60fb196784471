import type { WriteTx } from '@iron/database'
import type { EventLog } from '@iron/journal'
import type { AgentRow, AgentState } from '../agent.ts'

/** A state an agent enters, and why. */
export interface EnteredState {
  readonly state: AgentState
  /** Of `stopped` and `failed`. */
  readonly cause: 'runtime' | 'stop_requested' | 'archived' | 'heartbeat_missed'
  /** What the runtime or the operator said. */
  readonly message: string | null
  /** The user who stopped it. */
  readonly by?: string | undefined
}

/** The event of entering a state (websocket.md 5); none when it was that already, and none for idle. */
export function announceState(tx: WriteTx, events: EventLog, before: AgentRow, entered: EnteredState): void {
  const { state, cause, message } = entered
  if (before.state === state) return
  const agentId = before.id
  const previous = { previous_state: before.state }
  switch (state) {
    case 'idle':
      return
    case 'running':
      events.defer({ type: 'agent.started', agentId, data: { ...previous, reason: message } }, { tx })
      return
    case 'stopped': {
      const data = { ...previous, reason: cause, message, by: entered.by ?? null }
      events.defer({ type: 'agent.stopped', agentId, data }, { tx })
      return
    }
    case 'failed': {
      const seenAt = before.last_seen_at === null ? null : new Date(before.last_seen_at).toISOString()
      const data = { ...previous, reason: cause, message, last_seen_at: seenAt }
      events.defer({ type: 'agent.failed', agentId, data }, { tx })
    }
  }
}
