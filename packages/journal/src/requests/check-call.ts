import type { Usage } from '@iron/cost-calculator'
import { Faults } from '@iron/database'
import { invalid } from '../errors.ts'
import type { CallFacts, CallSubject, NewCall } from './call.ts'
import { USAGE_UNITS } from './tokens.ts'

/** Longest texts of a call, in code points (data-model 3.6). */
const MODEL_MAX = 255
const PROVIDER_MAX = 100
const ERROR_CODE_MAX = 100
const ERROR_MESSAGE_MAX = 1_000
const TRACE_ID_MAX = 100
const PRICE_ID_MAX = 200
/** Most units of one kind in one call (http-api 4.9.5). */
export const COUNT_MAX = 1_000_000_000
const REQUEST_ID_MAX = 100

/**
 * Collects what is wrong with the facts that are given of a call, under the given prefix. Which of them a call needs, and how high a
 * cost may be, is the caller's to check.
 */
export function checkFacts(facts: CallFacts, faults: Faults, prefix = ''): void {
  if (facts.requestId !== undefined) faults.key(`${prefix}requestId`, facts.requestId, REQUEST_ID_MAX)
  if (facts.model !== undefined) faults.text(`${prefix}model`, facts.model, { max: MODEL_MAX })
  if (facts.provider !== undefined) faults.text(`${prefix}provider`, facts.provider, { max: PROVIDER_MAX })
  if (facts.outcome !== undefined) faults.oneOf(`${prefix}outcome`, facts.outcome, ['completed', 'failed'])
  if (facts.errorCode !== undefined) faults.text(`${prefix}errorCode`, facts.errorCode, { max: ERROR_CODE_MAX })
  if (facts.errorMessage !== undefined) {
    faults.text(`${prefix}errorMessage`, facts.errorMessage, { min: 0, max: ERROR_MESSAGE_MAX, multiline: true })
  }
  if (facts.cost !== undefined) faults.integer(`${prefix}cost`, facts.cost, 0)
  if (facts.latencyMs !== undefined) faults.integer(`${prefix}latencyMs`, facts.latencyMs, 0)
  if (facts.traceId !== undefined) faults.text(`${prefix}traceId`, facts.traceId, { max: TRACE_ID_MAX })
  // Clamped to what the server's clock allows, so any moment will do: a runtime whose clock is dead may say 1969.
  if (facts.at !== undefined) faults.integer(`${prefix}at`, facts.at, Number.MIN_SAFE_INTEGER)
  if (facts.usage !== undefined) checkUsage(facts.usage, faults, `${prefix}usage`)
}

function checkUsage(usage: Usage, faults: Faults, path: string): void {
  if (typeof usage !== 'object' || (usage as unknown) === null) {
    faults.add(path, 'must be an object of counts')
    return
  }
  for (const [unit, count] of Object.entries<number | undefined>(usage)) {
    if (count === undefined) continue
    if (USAGE_UNITS.has(unit)) faults.integer(`${path}.${unit}`, count, 0, COUNT_MAX)
    else faults.add(`${path}.${unit}`, 'is not a unit of usage')
  }
}

/**
 * Checks a call that is to be recorded.
 *
 * @throws {JournalError} VALIDATION_ERROR
 */
export function checkCall(call: NewCall): void {
  const faults = new Faults()
  checkFacts(call, faults)
  faults.check(
    (call.agentId === undefined) !== (call.tokenId === undefined),
    'agentId',
    'exactly one of agentId and tokenId must be given',
  )
  if (call.agentId !== undefined) faults.id('agentId', call.agentId)
  if (call.tokenId !== undefined) faults.id('tokenId', call.tokenId)
  const ofLease = call.agentId !== undefined && call.billed === true
  if (ofLease) {
    faults.id('leaseId', call.leaseId)
    if (call.requestId === undefined) faults.add('requestId', 'is required for a billed call of an agent')
  } else faults.check(call.leaseId === undefined, 'leaseId', 'is only for a billed call of an agent')
  faults.integer('cost', call.cost, 0)
  if (call.overrun !== undefined) faults.integer('overrun', call.overrun, 0, call.cost)
  if (call.pricing !== undefined) faults.oneOf('pricing', call.pricing, ['reported', 'price_book', 'ceiling'])
  if (call.priceId !== undefined) faults.text('priceId', call.priceId, { max: PRICE_ID_MAX })
  faults.throwIfAny(invalid('the call is not valid'))
}

/** The id of an agent or a token. */
export function subjectId(subject: CallSubject): string {
  return 'agentId' in subject ? subject.agentId : subject.tokenId
}
