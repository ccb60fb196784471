/** The calls of one demo agent: when, with which model, how large, and with what outcome. Pure; the same seed gives the same calls. */
import { type CostCalculator, type Microdollars, ZERO } from '@iron/cost-calculator'
import type { UsageReport } from '@iron/lease-manager'
import { type DemoAgent, type DemoModel, RECENT_MS } from './demo-agents.ts'
import { planTimes } from './plan-times.ts'

const DAY_MS = 86_400_000
/** How long before the anchor the first calls were made. */
const CALLS_SINCE_MS = 14 * DAY_MS
/** Recent calls end so long before the anchor. */
const LAST_CALL_MS = 2 * 60_000

/** Medians and spreads (of the logarithm) of log-normal sizes. */
const INPUT_TOKENS = { median: 12_000, spread: 0.5 } as const
const OUTPUT_TOKENS = { median: 900, spread: 0.4 } as const
const LATENCY_MS = { median: 1_800, spread: 0.4 } as const
/** Share of the calls whose input is cached in part, and that part. */
const CACHED_CALLS = 0.3
const CACHED_INPUT = 0.4
/** What an unlisted model is charged is high: its one call is small, and not scaled. */
const UNLISTED = { model: 'gpt-4o-preview-unlisted', input: 1_500, output: 120 } as const
const ERROR_CODES = ['rate_limit', 'timeout', 'rate_limit', 'content_filter', 'timeout'] as const
const ERROR_MESSAGES = {
  rate_limit: 'the provider answered 429',
  timeout: 'no answer within 30 s',
  content_filter: 'the answer was withheld by the content filter',
} as const
/** How near to the agent's spending the sizes are brought: halvings of the factor's range. */
const HALVINGS = 60
const FACTOR_MAX = 8

/** One call: `cost` is what the server books for `report`. */
export interface PlannedCall {
  readonly at: number
  readonly report: UsageReport
  readonly cost: Microdollars
}

/** A call whose size is not settled yet. */
interface Draft {
  readonly at: number
  readonly model: DemoModel
  readonly requestId: string
  readonly latencyMs: number
  readonly input: number
  readonly output: number
  readonly isCached: boolean
  readonly isFixed: boolean
  readonly errorCode?: (typeof ERROR_CODES)[number] | undefined
  /** A failed call that the provider charges for. */
  readonly isCharged: boolean
}

/** What calls are planned with. */
export interface CallPlan {
  readonly anchor: number
  readonly random: () => number
  readonly pricing: CostCalculator
  /** One call names a model that no price book knows. */
  readonly withUnlistedModel: boolean
}

/** Plans an agent's calls, by time. All sizes share one factor, chosen so that together they cost what the agent spends. */
export function planCalls(agent: DemoAgent, plan: CallPlan): PlannedCall[] {
  const drafts = draftCalls(agent, plan)
  const scaled = (factor: number): PlannedCall[] => drafts.map((draft) => callOf(agent, draft, factor, plan.pricing))
  let [low, high] = [0, FACTOR_MAX]
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (low + high) / 2
    if (totalOf(scaled(middle)) < agent.spent) low = middle
    else high = middle
  }
  return scaled(low)
}

/** What calls cost together. */
export function totalOf(calls: readonly PlannedCall[]): Microdollars {
  return calls.reduce((sum, { cost }) => sum + cost, 0) as Microdollars
}

function draftCalls(agent: DemoAgent, { anchor, random, withUnlistedModel }: CallPlan): Draft[] {
  const early = agent.calls - agent.recent
  const at = [
    ...planTimes(anchor - CALLS_SINCE_MS, anchor - agent.untilMs, early, random),
    ...planTimes(anchor - RECENT_MS, anchor - LAST_CALL_MS, agent.recent, random),
  ]
  const failedEvery = Math.floor(agent.calls / agent.failed)
  let failures = 0
  return at.map((time, index): Draft => {
    const model = pick(agent.models, random())
    const size = {
      input: logNormal(INPUT_TOKENS, random),
      output: logNormal(OUTPUT_TOKENS, random),
      latencyMs: Math.round(logNormal(LATENCY_MS, random)),
      isCached: random() < CACHED_CALLS,
    }
    const requestId = `${agent.name}-${String(index + 1).padStart(4, '0')}`
    const draft = { at: time, model, requestId, ...size, isFixed: false, isCharged: false }
    // Half way between the multiples: never the first or last call of a lease.
    if (index % failedEvery === Math.floor(failedEvery / 2) && failures < agent.failed) {
      const errorCode = ERROR_CODES[failures % ERROR_CODES.length]
      failures += 1
      return { ...draft, errorCode, isCharged: withUnlistedModel && failures === FIRST_CHARGED }
    }
    if (withUnlistedModel && index === UNLISTED_INDEX) {
      const { model: name, input, output } = UNLISTED
      return {
        ...draft,
        model: { ...model, model: name, provider: 'openai' },
        input,
        output,
        isFixed: true,
        isCached: false,
      }
    }
    const factor = index === agent.calls - 1 ? (agent.lastCallFactor ?? 1) : 1
    return factor === 1 ? draft : { ...draft, input: INPUT_TOKENS.median * factor, isCached: false }
  })
}

/** Which failure of an agent is charged for: the first `content_filter`. */
const FIRST_CHARGED = 4
/** Which call names the model that is not listed. */
const UNLISTED_INDEX = 120

function callOf(agent: DemoAgent, draft: Draft, factor: number, pricing: CostCalculator): PlannedCall {
  const { at, model, requestId, latencyMs, errorCode } = draft
  const named = { requestId, model: model.model, provider: model.provider, latencyMs, at }
  const failure =
    errorCode === undefined ? {} : ({ outcome: 'failed', errorCode, errorMessage: ERROR_MESSAGES[errorCode] } as const)
  if (errorCode !== undefined && !draft.isCharged) return { at, cost: ZERO, report: { ...named, ...failure } }
  const usage = usageOf(draft, draft.isFixed ? 1 : factor)
  const cost = pricing.cost(model.model, usage, { provider: model.provider, at }).amount
  const told = agent.reportsCost === true ? { cost } : {}
  return { at, cost, report: { ...named, ...failure, usage, ...told } }
}

function usageOf({ input, output, isCached }: Draft, factor: number): NonNullable<UsageReport['usage']> {
  const read = Math.max(1, Math.round(input * factor))
  const written = Math.max(1, Math.round(output * factor))
  if (!isCached) return { input: read, output: written }
  const cacheRead = Math.round(read * CACHED_INPUT)
  return { input: read - cacheRead, cacheRead, output: written }
}

function pick(models: readonly DemoModel[], random: number): DemoModel {
  let left = random * models.reduce((sum, { weight }) => sum + weight, 0)
  for (const model of models) {
    left -= model.weight
    if (left < 0) return model
  }
  return models.at(-1) as DemoModel
}

/** A log-normal figure (Box and Muller's transform of two even ones). */
function logNormal(
  { median, spread }: { readonly median: number; readonly spread: number },
  random: () => number,
): number {
  const [one, two] = [1 - random(), random()]
  return median * Math.exp(spread * Math.sqrt(-2 * Math.log(one)) * Math.cos(2 * Math.PI * two))
}
