import type { JsonObject, SpansTable } from '@iron/database'

/** One step of a trace. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  /** The span it is part of; null for a root. */
  readonly parentId: string | null
  readonly agentId: string
  readonly name: string
  /** The caller's clock, epoch ms. */
  readonly startedAt: number
  /** Null: not ended, or not told. */
  readonly durationMs: number | null
  readonly status: 'ok' | 'error'
  readonly attributes: JsonObject
}

/** A span as it is told. */
export interface NewSpan {
  /** 1..255. A trace belongs to the agent of its first span. */
  readonly traceId: string
  /** 1..100, unique in the trace: the first span of an id counts, whatever a repeat says. */
  readonly spanId: string
  readonly parentId?: string | undefined
  /** 1..200. */
  readonly name: string
  readonly startedAt: number
  readonly durationMs?: number | undefined
  readonly status: Span['status']
  /** At most 16 KiB of JSON; no control characters but tabs and line breaks. */
  readonly attributes?: JsonObject | undefined
}

/** A tree of spans, in brief. */
export interface Trace {
  readonly traceId: string
  readonly agentId: string
  /** When its earliest span began, epoch ms. */
  readonly startedAt: number
  /** How many there are. */
  readonly spans: number
}

/** A trace with its spans, by start. */
export type WholeTrace = Omit<Trace, 'spans'> & { readonly spans: readonly Span[] }

/** A row of `spans` as it is read. */
export type SpanRow = Omit<SpansTable, 'attributes'> & { readonly attributes: string }

/** The span a row holds. */
export function spanOf(row: SpanRow): Span {
  return Object.freeze({
    traceId: row.trace_id,
    spanId: row.span_id,
    parentId: row.parent_id,
    agentId: row.agent_id,
    name: row.name,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    status: row.status,
    attributes: JSON.parse(row.attributes) as JsonObject,
  })
}
