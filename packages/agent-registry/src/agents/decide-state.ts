/** What becomes of an agent's state (http-api 4.4). Pure: nothing here reads or writes. */
import type { AgentState, DesiredState } from '../agent.ts'

/** What an agent does and what it is told to do. */
export interface StateNow {
  readonly state: AgentState
  readonly desired: DesiredState
}

/** Why an agent is told to stop. A runtime may still say that it failed, and the reason that stands is its own then. */
export function stopReasonOf(row: { readonly state: AgentState; readonly state_reason: string | null }): string | null {
  return row.state === 'failed' ? null : row.state_reason
}

/** A stop order makes a difference unless both stand at stopped. */
export function decideStop({ state, desired }: StateNow): 'unchanged' | 'stop' {
  return state === 'stopped' && desired === 'stopped' ? 'unchanged' : 'stop'
}

/** Only a stop order is taken back: what a runtime says of itself stays its own. */
export function decideResume({ desired }: StateNow): 'unchanged' | 'resume' {
  return desired === 'running' ? 'unchanged' : 'resume'
}

/** Order of precedence: an agent that is told to stop does not go on, a repeat changes nothing, else the state is taken over. */
export function decideReported({ state, desired }: StateNow, reported: AgentState): 'refused' | 'unchanged' | 'change' {
  if (desired === 'stopped' && (reported === 'running' || reported === 'idle')) return 'refused'
  return state === reported ? 'unchanged' : 'change'
}

/**
 * Silence is for running agents only, and exact: failed when nothing was heard for `timeoutMs` (EVT-19).
 *
 * @param lastSeenAt the last sign of life, epoch ms
 */
export function decideSilent(
  { state, lastSeenAt }: { readonly state: AgentState; readonly lastSeenAt: number },
  now: number,
  timeoutMs: number,
): 'alive' | 'silent' {
  return state === 'running' && now - lastSeenAt >= timeoutMs ? 'silent' : 'alive'
}
