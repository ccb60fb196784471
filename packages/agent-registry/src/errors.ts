import { IronError } from '@iron/database'

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
