/** One LLM call as a runtime or a script reports it (http-api 4.9.5, 4.14). */
import { type TokenCounts, type Usage, usageFromCounts, usd } from '@iron/cost-calculator'
import type { CallFacts } from '@iron/journal'
import type { UsageReport } from '@iron/lease-manager'
import { count, id, object, oneOf, optional, type Static, text, time, usdCost, visibleAscii } from '../http/schemas.ts'

/** Tokens of one call (http-api 4.9.5). */
const tokens = count(1_000_000_000)

export const requestId = visibleAscii(100)
export const model = text({ max: 255 })

/** What can be said of a call, whoever reports it and however it is named. */
export const callFields = {
  provider: optional(text({ max: 100 })),
  cost_usd: optional(usdCost()),
  input_tokens: optional(tokens),
  cache_read_tokens: optional(tokens),
  cache_write_tokens: optional(tokens),
  cache_write_1h_tokens: optional(tokens),
  audio_input_tokens: optional(tokens),
  image_input_tokens: optional(tokens),
  output_tokens: optional(tokens),
  reasoning_tokens: optional(tokens),
  audio_output_tokens: optional(tokens),
  image_output_tokens: optional(tokens),
  total_tokens: optional(tokens),
  outcome: optional(oneOf('completed', 'failed')),
  error_code: optional(text({ max: 100 })),
  error_message: optional(text({ min: 0, max: 1_000, multiline: true })),
  latency_ms: optional(count()),
  timestamp: optional(time()),
  trace_id: optional(id('trace')),
}
export const report = object({ lease_id: id('lease'), request_id: requestId, model, ...callFields })
export type Report = Static<typeof report>
/** A call of an API token: it may be unnamed, and needs no model when its cost is given. */
export const call = object({ request_id: optional(requestId), model: optional(model), ...callFields })
type WireCall = Static<typeof call>

const COUNTS = {
  inputTokens: 'input_tokens',
  cacheReadTokens: 'cache_read_tokens',
  cacheWriteTokens: 'cache_write_tokens',
  cacheWrite1hTokens: 'cache_write_1h_tokens',
  audioInputTokens: 'audio_input_tokens',
  imageInputTokens: 'image_input_tokens',
  outputTokens: 'output_tokens',
  reasoningTokens: 'reasoning_tokens',
  audioOutputTokens: 'audio_output_tokens',
  imageOutputTokens: 'image_output_tokens',
  totalTokens: 'total_tokens',
} as const satisfies Record<keyof TokenCounts, keyof WireCall>

function usageOf(body: WireCall): Usage | undefined {
  const counts: { -readonly [Name in keyof TokenCounts]?: number } = {}
  let told = false
  for (const [name, field] of Object.entries(COUNTS) as [keyof TokenCounts, keyof WireCall][]) {
    const value = body[field]
    if (typeof value !== 'number') continue
    counts[name] = value
    told = true
  }
  return told ? usageFromCounts(counts) : undefined
}

/** The package's form of what is said of a call. @throws {CostError} INVALID_USAGE for parts that do not fit their whole */
export function callFactsOf(body: WireCall): CallFacts {
  return {
    requestId: body.request_id,
    model: body.model,
    provider: body.provider,
    cost: body.cost_usd === undefined ? undefined : usd(body.cost_usd, { rounding: 'up' }),
    usage: usageOf(body),
    outcome: body.outcome,
    errorCode: body.error_code,
    errorMessage: body.error_message,
    latencyMs: body.latency_ms,
    traceId: body.trace_id,
    at: body.timestamp === undefined ? undefined : Date.parse(body.timestamp),
  }
}

/** The package's form of a report. @throws {CostError} INVALID_USAGE */
export function usageReportOf(body: Report): UsageReport {
  return { ...callFactsOf(body), requestId: body.request_id, model: body.model }
}
