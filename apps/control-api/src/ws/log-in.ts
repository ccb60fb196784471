import { verifyCredential } from '../http/authenticate.ts'
import type { PresentedCredential } from '../http/credentials.ts'
import { RateGate } from '../http/rate-gate.ts'
import type { RequestContext } from '../http/request-context.ts'
import type { Services } from '../services.ts'
import { type Reader, readerOf } from './reader.ts'

/** Proves a credential under the same guards as a request. @throws {ApiError} what authentication and authorisation throw; RATE_LIMIT_EXCEEDED */
export type LogIn = (credential: PresentedCredential, context: RequestContext, gate?: RateGate) => Promise<Reader>

/** @param gate of the upgrade, when it has been entered */
export function logInWith(services: Services): LogIn {
  return async (credential, context, entered) => {
    const gate = entered ?? new RateGate(services.rateLimits, context.ip)
    if (entered === undefined) await gate.enter(true)
    const principal = await gate.attempt(() => verifyCredential(services, credential, context))
    return readerOf(principal)
  }
}
