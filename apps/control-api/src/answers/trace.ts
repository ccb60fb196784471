import type { Span, Trace, WholeTrace } from '@iron/analytics'
import { isoTime } from './scalars.ts'

/** A row of `GET /traces` (http-api 4.17). */
export function traceAnswer(trace: Trace) {
  return {
    trace_id: trace.traceId,
    agent_id: trace.agentId,
    started_at: isoTime(trace.startedAt),
    spans: trace.spans,
  }
}

/** The answer of `GET /traces/{trace_id}`. @param hidesDetails the reader is a viewer: attributes are not for them */
export function wholeTraceAnswer(trace: WholeTrace, hidesDetails: boolean) {
  return {
    trace_id: trace.traceId,
    agent_id: trace.agentId,
    started_at: isoTime(trace.startedAt),
    spans: trace.spans.map((span) => spanAnswer(span, hidesDetails)),
  }
}

function spanAnswer(span: Span, hidesDetails: boolean) {
  return {
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_id: span.parentId,
    agent_id: span.agentId,
    name: span.name,
    started_at: isoTime(span.startedAt),
    duration_ms: span.durationMs,
    status: span.status,
    attributes: hidesDetails ? null : span.attributes,
  }
}
