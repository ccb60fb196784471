import { countsOf, toUsd } from '@iron/cost-calculator'
import type { Call } from '@iron/journal'
import { id, nullable, oneOf, time } from '../http/schemas.ts'
import { pricing } from './protocol.ts'
import { isoTime } from './scalars.ts'
import { component, dollars, flag, type Shaped, shown, usuallyNull, whole } from './shape.ts'

export const requestShape = component('RequestRow', {
  id: id('req'),
  request_id: nullable(shown('call-2')),
  source: oneOf('agent', 'api_token'),
  agent_id: nullable(shown('agent_0199c2f0-5a00-7000-8000-000000000002')),
  agent_name: nullable(shown('research-bot')),
  token_id: usuallyNull(nullable(id('tok'))),
  lease_id: nullable(id('lease')),
  provider: nullable(shown('openai-main')),
  model: nullable(shown('demo-large')),
  outcome: oneOf('completed', 'failed'),
  error_code: usuallyNull(nullable(shown('rate_limited'))),
  error_message: usuallyNull(nullable(shown('The provider answered 429'))),
  input_tokens: nullable(whole(400_000)),
  cache_read_tokens: usuallyNull(nullable(whole(0))),
  cache_write_tokens: usuallyNull(nullable(whole(0))),
  output_tokens: nullable(whole(50_000)),
  reasoning_tokens: usuallyNull(nullable(whole(0))),
  total_tokens: whole(450_000),
  cost_usd: dollars(1.5),
  pricing,
  billed: flag(true),
  latency_ms: nullable(whole(850)),
  trace_id: usuallyNull(nullable(id('trace'))),
  timestamp: time(),
  received_at: time(),
})

/** `RequestRow` of http-api 4.16. @param hidesErrors the reader is a viewer: error texts are not for them (http-api 3.1) */
export function requestAnswer(call: Call, hidesErrors: boolean): Shaped<typeof requestShape> {
  const counts = countsOf(call.usage ?? {})
  return {
    id: call.id,
    request_id: call.requestId,
    source: call.source,
    agent_id: call.agentId,
    agent_name: call.agentName,
    token_id: call.tokenId,
    lease_id: call.leaseId,
    provider: call.provider,
    model: call.model,
    outcome: call.outcome,
    error_code: call.errorCode,
    error_message: hidesErrors ? null : call.errorMessage,
    input_tokens: counts.inputTokens ?? null,
    cache_read_tokens: counts.cacheReadTokens ?? null,
    cache_write_tokens: counts.cacheWriteTokens ?? null,
    output_tokens: counts.outputTokens ?? null,
    reasoning_tokens: counts.reasoningTokens ?? null,
    total_tokens: call.totalTokens,
    cost_usd: toUsd(call.cost),
    pricing: call.pricing,
    billed: call.billed,
    latency_ms: call.latencyMs,
    trace_id: call.traceId,
    timestamp: isoTime(call.at),
    received_at: isoTime(call.receivedAt),
  }
}
