import { CostError, MAX_AMOUNT, usd, type UsageUnit, type UsdAmount } from '@iron/cost-calculator'
import { Faults } from '@iron/database'
import { type CallFacts, hasUsage } from '@iron/journal'
import { refuseFaults } from '../errors.ts'

/** Bounds of http-api 4.9.5; texts in code points. */
const MODEL_MAX = 255
const PROVIDER_MAX = 100
const ERROR_CODE_MAX = 100
const ERROR_MESSAGE_MAX = 1_000
const TRACE_ID_MAX = 100
/** Most units of one kind in one call (http-api 4.9.5). */
const COUNT_MAX = 1_000_000_000
const REQUEST_ID = /^[\x21-\x7e]{1,100}$/

/**
 * The facts of a call, all faults at once, and nothing but its facts. A call needs something that has a cost, unless it failed;
 * what the server is to price needs a model (http-api 4.14).
 *
 * @throws {TokenManagerError} VALIDATION_ERROR
 */
export function checkedFacts(facts: CallFacts): CallFacts {
  const faults = new Faults()
  if (typeof facts !== 'object' || (facts as unknown) === null) {
    faults.add('$', 'must be the facts of a call')
    refuseFaults(faults)
  }
  const { requestId, model, provider, usage, cost, outcome, errorCode, errorMessage, latencyMs, traceId, at } = facts
  if (requestId !== undefined) {
    const valid = typeof requestId === 'string' && REQUEST_ID.test(requestId)
    faults.check(valid, 'requestId', 'must be 1 to 100 visible ASCII characters')
  }
  if (model !== undefined) faults.text('model', model, { max: MODEL_MAX })
  if (provider !== undefined) faults.text('provider', provider, { max: PROVIDER_MAX })
  if (cost !== undefined) faults.integer('cost', cost, 0, MAX_AMOUNT)
  if (outcome !== undefined) faults.oneOf('outcome', outcome, ['completed', 'failed'])
  if (errorCode !== undefined) faults.text('errorCode', errorCode, { max: ERROR_CODE_MAX })
  if (errorMessage !== undefined) {
    faults.text('errorMessage', errorMessage, { min: 0, max: ERROR_MESSAGE_MAX, multiline: true })
  }
  if (latencyMs !== undefined) faults.integer('latencyMs', latencyMs, 0)
  if (traceId !== undefined) faults.text('traceId', traceId, { max: TRACE_ID_MAX })
  // Clamped to what the server's clock allows, so any moment will do: a runtime whose clock is dead may say 1969.
  if (at !== undefined) faults.integer('at', at, Number.MIN_SAFE_INTEGER)
  checkUsage(faults, usage)
  if (cost === undefined && !faults.any) checkPriceable(faults, facts)
  refuseFaults(faults)
  return { requestId, model, provider, usage, cost, outcome, errorCode, errorMessage, latencyMs, traceId, at }
}

/**
 * The facts of the short form: tokens not told apart, and US dollars, of which a rest below a microdollar is rounded up.
 *
 * @throws {TokenManagerError} VALIDATION_ERROR
 */
export function factsOfTotals(tokens: number, costUsd: UsdAmount): CallFacts {
  const faults = new Faults()
  faults.integer('tokens', tokens, 0, COUNT_MAX)
  try {
    const cost = usd(costUsd, { rounding: 'up' })
    if (!faults.any) return { usage: { unsplit: tokens }, cost }
  } catch (error) {
    if (!(error instanceof CostError)) throw error
    faults.add('costUsd', error.message)
  }
  refuseFaults(faults)
  return {}
}

function checkPriceable(faults: Faults, facts: CallFacts): void {
  if (hasUsage(facts)) faults.check(facts.model !== undefined, 'model', 'is required unless a cost is given')
  else faults.check(facts.outcome === 'failed', 'cost', 'is required unless usage is given or the call failed')
}

/** Every unit there is: one that is forgotten here does not compile. */
const UNITS: Readonly<Record<UsageUnit, true>> = {
  input: true,
  cacheRead: true,
  cacheWrite: true,
  cacheWrite1h: true,
  audioInput: true,
  audioCacheRead: true,
  imageInput: true,
  imageCacheRead: true,
  videoInput: true,
  output: true,
  reasoning: true,
  citation: true,
  audioOutput: true,
  imageOutput: true,
  videoOutput: true,
  unsplit: true,
  audioSeconds: true,
  webSearches: true,
  storageSearches: true,
  documentPages: true,
  requests: true,
}

function checkUsage(faults: Faults, usage: unknown): void {
  if (usage === undefined) return
  if (typeof usage !== 'object' || usage === null) {
    faults.add('usage', 'must be an object of counts')
    return
  }
  for (const [unit, count] of Object.entries(usage)) {
    if (count === undefined) continue
    if (Object.hasOwn(UNITS, unit)) faults.integer(`usage.${unit}`, count, 0, COUNT_MAX)
    else faults.add(`usage.${unit}`, 'is not a unit of usage')
  }
}
