import type { RequestsTable } from '@iron/database'
import type { Microdollars } from '@iron/cost-calculator'
import type { Call } from './call.ts'
import { usageOf } from './tokens.ts'

/** A row of `requests` as it is read. */
export type RequestRow = Omit<RequestsTable, 'overrun_micros' | 'late'> & {
  readonly overrun_micros: Microdollars
  readonly late: 0 | 1
}

/** The columns of a row, in the order of the table. */
export const REQUEST_COLUMNS = [
  'id',
  'source',
  'subject_id',
  'request_id',
  'payload_hash',
  'lease_id',
  'provider_id',
  'provider',
  'model',
  'outcome',
  'error_code',
  'error_message',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'other_parts',
  'total_tokens',
  'cost_micros',
  'overrun_micros',
  'pricing',
  'price_id',
  'billed',
  'late',
  'latency_ms',
  'trace_id',
  'at',
  'received_at',
] as const satisfies readonly (keyof RequestsTable)[]

/** The call a row tells of. */
export function callOf(row: RequestRow, agentName: string | null): Call {
  const byAgent = row.source === 'agent'
  return Object.freeze({
    id: row.id,
    requestId: row.request_id,
    source: row.source,
    agentId: byAgent ? row.subject_id : null,
    agentName,
    tokenId: byAgent ? null : row.subject_id,
    leaseId: row.lease_id,
    provider: row.provider,
    model: row.model,
    outcome: row.outcome ?? 'completed',
    errorCode: row.error_code,
    errorMessage: row.error_message,
    usage: usageOf(row),
    totalTokens: row.total_tokens,
    cost: row.cost_micros,
    pricing: row.pricing,
    priceId: row.price_id,
    billed: row.billed === 1,
    late: row.late === 1,
    overrun: row.overrun_micros,
    latencyMs: row.latency_ms,
    traceId: row.trace_id,
    at: row.at,
    receivedAt: row.received_at,
  })
}
