import type { Span, Trace, WholeTrace } from '@iron/analytics'
import { id, nullable, oneOf, time } from '../http/schemas.ts'
import { isoTime } from './scalars.ts'
import { anyObject, component, list, type Shaped, shown, usuallyNull, whole } from './shape.ts'

const traceFields = { trace_id: id('trace'), agent_id: id('agent'), started_at: time() }

export const traceShape = component('Trace', { ...traceFields, spans: whole(3) })

const spanShape = component('Span', {
  trace_id: id('trace'),
  span_id: shown('span-1'),
  parent_id: usuallyNull(nullable(shown('span-0'))),
  agent_id: id('agent'),
  name: shown('plan'),
  started_at: time(),
  duration_ms: nullable(whole(120)),
  status: oneOf('ok', 'error'),
  attributes: nullable(anyObject()),
})

export const wholeTraceShape = component('WholeTrace', { ...traceFields, spans: list(spanShape) })

/** A row of `GET /traces` (http-api 4.17). */
export function traceAnswer(trace: Trace): Shaped<typeof traceShape> {
  return {
    trace_id: trace.traceId,
    agent_id: trace.agentId,
    started_at: isoTime(trace.startedAt),
    spans: trace.spans,
  }
}

/** The answer of `GET /traces/{trace_id}`. @param hidesDetails the reader is a viewer: attributes are not for them */
export function wholeTraceAnswer(trace: WholeTrace, hidesDetails: boolean): Shaped<typeof wholeTraceShape> {
  return {
    trace_id: trace.traceId,
    agent_id: trace.agentId,
    started_at: isoTime(trace.startedAt),
    spans: trace.spans.map((span) => spanAnswer(span, hidesDetails)),
  }
}

function spanAnswer(span: Span, hidesDetails: boolean): Shaped<typeof spanShape> {
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
