import { Faults, IronError } from '@iron/database'

/** Why an operation on an agent was refused. */
export type AgentErrorCode =
  | 'VALIDATION_ERROR'
  | 'AGENT_NOT_FOUND'
  | 'USER_NOT_FOUND'
  | 'INVALID_PROVIDER_ID'
  | 'ASSIGNMENT_NOT_FOUND'
  | 'AGENT_ARCHIVED'
  | 'AGENT_STOPPED'
  | 'IC_TOKEN_EXISTS'

/** The error class of this package. */
export class AgentError extends IronError<AgentErrorCode> {}

/** No agent has this id. */
export function agentNotFound(id: string): AgentError {
  return new AgentError('AGENT_NOT_FOUND', 'there is no such agent', { details: { agentId: id } })
}

/** Archived agents cannot be changed. */
export function agentArchived(): AgentError {
  return new AgentError('AGENT_ARCHIVED', 'the agent is archived')
}

/** Somebody who is to own an agent is no active user. */
export function ownerNotFound(ownerId: string): AgentError {
  return new AgentError('USER_NOT_FOUND', 'the owner is no active user', { details: { owner_id: ownerId } })
}

/** Checks ids that a caller brings, all faults at once. @throws {AgentError} VALIDATION_ERROR */
export function checkIds(ids: Readonly<Record<string, unknown>>): void {
  checkInput(ids, () => undefined)
}

/** As {@link checkIds}, together with what else is brought; that is returned as checked. */
export function checkInput<T>(ids: Readonly<Record<string, unknown>>, check: (faults: Faults) => T): T {
  const faults = new Faults()
  for (const [path, id] of Object.entries(ids)) faults.id(path, id)
  const checked = check(faults)
  faults.throwIfAny((details) => new AgentError('VALIDATION_ERROR', 'the input is not valid', { details }))
  return checked
}
