import type { CallFacts } from './call.ts'

/** What a runtime tells of an LLM call that it does not, or not yet, report (http-api 4.15). */
export interface CallTelemetry {
  readonly type: 'request.completed' | 'request.failed'
  /** Its `outcome` and `at` are those of the event; a failed call names its error. */
  readonly call: Omit<CallFacts, 'outcome' | 'at'> & { readonly requestId: string; readonly model: string }
  /** The provider or kind whose prices count; default: the one the call names. */
  readonly priceProvider?: string | undefined
}

/** That personal data was found; never the data itself. */
export interface PiiTelemetry {
  readonly type: 'safety.pii_detected'
  /** 1..20 names such as `email`. */
  readonly categories: readonly string[]
  /** How many places, at least 1. */
  readonly count: number
  readonly action: 'logged' | 'redacted' | 'blocked'
  readonly direction: 'input' | 'output'
  readonly requestId?: string | undefined
}

/** One event of telemetry. */
export type TelemetryEvent = {
  /** 1..100, unique per agent: the first event of an id counts, whatever a repeat says. */
  readonly eventId: string
  /** The caller's clock, epoch ms; clamped to 24 h around arrival. */
  readonly at: number
} & (CallTelemetry | PiiTelemetry)

/** What became of one item of many; a bad one affects no other. */
export type ItemResult =
  | { readonly status: 'accepted' | 'duplicate' }
  | {
      readonly status: 'error'
      readonly code: string
      readonly message: string
      readonly details: Readonly<Record<string, unknown>>
    }
