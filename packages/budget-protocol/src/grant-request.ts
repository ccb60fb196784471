import type { Microdollars } from '@iron/cost-calculator'
import { Faults, IDEMPOTENCY_KEY_MAX } from '@iron/database'
import { ProtocolError } from './errors.ts'

/** What a runtime asks for in a handshake. */
export interface GrantRequest {
  /** Default 10 USD; the largest is the lease-manager's `maxGrant`. */
  readonly requested?: Microdollars | undefined
  /** Id or name of an assigned provider. Default: the first in the agent's order that can be used. */
  readonly provider?: string | undefined
  /** Names the runtime's process in lists and events. */
  readonly runtimeId?: string | undefined
  /** A repeat with the same key gets the same lease. */
  readonly idempotencyKey?: string | undefined
}

/** Longest runtime id and provider reference, in code points (http-api 4.9.3, 4.9.5). */
const NAME_MAX = 100

/** @throws {ProtocolError} VALIDATION_ERROR naming every fault; amounts are the lease-manager's to check */
export function checkGrantRequest(request: GrantRequest): void {
  const faults = new Faults()
  if (request.provider !== undefined) faults.text('provider', request.provider, { max: NAME_MAX })
  if (request.runtimeId !== undefined) faults.text('runtimeId', request.runtimeId, { max: NAME_MAX })
  if (request.idempotencyKey !== undefined) faults.key('idempotencyKey', request.idempotencyKey, IDEMPOTENCY_KEY_MAX)
  faults.throwIfAny((details) => new ProtocolError('VALIDATION_ERROR', 'the request is not valid', { details }))
}
