import type { Microdollars, Pricing, Usage } from '@iron/cost-calculator'

/** What can be said about one LLM call: the common part of reports, API-token usage and telemetry. */
export interface CallFacts {
  /** Names the call: 1..100 visible ASCII, unique per agent or token for ever. */
  readonly requestId?: string | undefined
  readonly model?: string | undefined
  readonly provider?: string | undefined
  readonly usage?: Usage | undefined
  /** As the caller gave it; absent when it is to be priced. */
  readonly cost?: Microdollars | undefined
  /** Absent counts as completed. */
  readonly outcome?: 'completed' | 'failed' | undefined
  readonly errorCode?: string | undefined
  readonly errorMessage?: string | undefined
  readonly latencyMs?: number | undefined
  readonly traceId?: string | undefined
  /** The caller's clock, epoch ms; clamped to 24 h around arrival. */
  readonly at?: number | undefined
}

/** Exactly one of agentId and tokenId. `cost`: what is charged; `pricing` 'reported' (default): the caller gave it. */
export interface NewCall extends CallFacts {
  readonly agentId?: string | undefined
  readonly tokenId?: string | undefined
  /** Given exactly for a billed call of an agent. */
  readonly leaseId?: string | undefined
  readonly cost: Microdollars
  readonly pricing?: Pricing | undefined
  readonly priceId?: string | undefined
  /** Charged to a budget, or counted for a token. Default false. */
  readonly billed?: boolean | undefined
  readonly late?: boolean | undefined
  /** The part of `cost` beyond the lease. */
  readonly overrun?: Microdollars | undefined
}

/** One row of the call log. */
export interface Call {
  readonly id: string
  readonly requestId: string | null
  readonly source: 'agent' | 'api_token'
  readonly agentId: string | null
  /** Null in what `record` returns: the hot path looks nothing up. */
  readonly agentName: string | null
  readonly tokenId: string | null
  readonly leaseId: string | null
  readonly provider: string | null
  readonly model: string | null
  readonly outcome: 'completed' | 'failed'
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly usage: Usage | null
  readonly totalTokens: number
  readonly cost: Microdollars
  readonly pricing: Pricing
  readonly priceId: string | null
  readonly billed: boolean
  readonly late: boolean
  readonly overrun: Microdollars
  readonly latencyMs: number | null
  readonly traceId: string | null
  /** The caller's clock, clamped, epoch ms. */
  readonly at: number
  /** The server's clock, epoch ms; a call that telemetry told of first moves to where it is billed. */
  readonly receivedAt: number
}

/** Whose calls: an agent's or an API token's. */
export type CallSubject = { readonly agentId: string } | { readonly tokenId: string }

/** The first booking of a call, as a repeat is answered with it. */
export type BilledCall = Pick<Call, 'id' | 'leaseId' | 'cost' | 'pricing' | 'late' | 'overrun'>
