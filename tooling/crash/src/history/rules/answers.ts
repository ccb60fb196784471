/** No call is answered with a fault of the server, and a refusal says why in a way that fits the call. */
import type { History, Intention } from '../history.ts'

/** Codes of http-api 4.5, 4.7 to 4.10 that a call may be refused with here. */
const REFUSALS: Readonly<Record<Intention['kind'], readonly string[]>> = {
  grant: ['BUDGET_EXCEEDED', 'AGENT_STOPPED', 'LEASE_NOT_ACTIVE', 'TOKEN_REVOKED'],
  report: ['TOKEN_REVOKED'],
  return: ['TOKEN_REVOKED'],
  allocate: ['BUDGET_BELOW_SPENT', 'BUDGET_DECREASE_REQUIRES_CONFIRMATION'],
  ask: ['BUDGET_DECREASE_REQUEST'],
  approve: ['APPROVAL_DECREASES_BUDGET', 'REQUEST_ALREADY_REVIEWED'],
  reject: ['REQUEST_ALREADY_REVIEWED'],
  revoke: ['LEASE_NOT_ACTIVE'],
  stop: [],
  resume: [],
  regenerate: [],
  look: [],
}

export function* answerRule({ calls }: History): Generator<string> {
  for (const { key, intention, outcome } of calls) {
    if (outcome.kind !== 'refused' || REFUSALS[intention.kind].includes(outcome.code)) continue
    yield `${intention.kind} ${key} was answered with ${outcome.status} ${outcome.code}`
  }
}
