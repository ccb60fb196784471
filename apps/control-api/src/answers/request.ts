import { countsOf, toUsd } from '@iron/cost-calculator'
import type { Call } from '@iron/journal'
import { isoTime } from './scalars.ts'

/** `RequestRow` of http-api 4.16. @param hidesErrors the reader is a viewer: error texts are not for them (http-api 3.1) */
export function requestAnswer(call: Call, hidesErrors: boolean) {
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
