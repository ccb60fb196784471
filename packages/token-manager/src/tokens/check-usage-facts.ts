import { CostError, MAX_AMOUNT, usd, type UsdAmount } from '@iron/cost-calculator'
import { Faults } from '@iron/database'
import { type CallFacts, checkFacts, COUNT_MAX, hasUsage } from '@iron/journal'
import { refuseFaults } from '../errors.ts'

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
  if (cost !== undefined) faults.integer('cost', cost, 0, MAX_AMOUNT)
  checkFacts(facts, faults)
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
