import { type Faults, IronError } from '@iron/database'

/** Why a question could not be answered. */
export type AnalyticsErrorCode =
  | 'VALIDATION_ERROR'
  /** The agent does not exist, or is not the owner's who was asked about: both look alike. */
  | 'AGENT_NOT_FOUND'
  | 'TRACE_NOT_FOUND'
  | 'CURSOR_EXPIRED'
  | 'QUERY_TIMEOUT'

/** The error class of this package. */
export class AnalyticsError extends IronError<AnalyticsErrorCode> {}

/** Throws every fault of a question at once. @throws {AnalyticsError} VALIDATION_ERROR */
export function refuseFaults(faults: Faults): void {
  faults.throwIfAny((details) => new AnalyticsError('VALIDATION_ERROR', 'the question is not valid', { details }))
}

/** No agent has this id in what may be seen. */
export function agentNotFound(agentId: string): AnalyticsError {
  return new AnalyticsError('AGENT_NOT_FOUND', 'there is no such agent', { details: { agentId } })
}

/** The answer was not there in time. */
export function queryTimeout(timeoutMs: number): AnalyticsError {
  const details = { timeoutMs }
  return new AnalyticsError('QUERY_TIMEOUT', 'the answer took too long: ask for a shorter period', { details })
}
