/**
 * Traces of requests for an OpenTelemetry collector. Off unless an endpoint is configured, and then nothing of OpenTelemetry is
 * loaded; what a request says of itself (URL, headers, body, user agent, tracestate) never becomes part of one.
 */
import type { IncomingMessage } from 'node:http'
import type { RequestContext } from '../http/request-context.ts'

/** The standard samplers. Those that begin with `parentbased_` follow what a `traceparent` says, where one came. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

/** Where traces go, and which. */
export interface TracingSettings {
  /** The collector's base URL: spans are posted to `<endpoint>/v1/traces`. */
  readonly endpoint: string
  /** Headers for the collector, as `OTEL_EXPORTER_OTLP_HEADERS` has them: `name=value,…`, percent-encoded. */
  readonly headers: string | undefined
  readonly serviceName: string
  readonly sampler: (typeof SAMPLERS)[number]
  /** Share of traces that ratio samplers keep, 0 to 1. */
  readonly samplerRatio: number
}

/** What became of a request. */
export interface TracedAnswer {
  /** Method and path of the matched route, `GET /agents/{id}`; `undefined`: none matched. */
  readonly route: string | undefined
  readonly status: number
}

/** The trace of one request. */
export interface RequestTrace {
  /** Handles the request: what it asks of the database on the way becomes part of the trace. */
  run<T>(handle: () => T): T
  end(answer: TracedAnswer): void
}

/** Makes traces and sends them. */
export interface Tracing {
  begin(request: IncomingMessage, context: RequestContext): RequestTrace
  /** Sends what is left. Never rejects, and takes a few seconds at most, whatever the collector does. */
  close(): Promise<void>
}

/**
 * Starts tracing.
 *
 * @param note told when the collector stops taking traces
 */
export async function openTracing(
  settings: TracingSettings | undefined,
  note: (error: unknown) => void,
): Promise<Tracing | undefined> {
  if (settings === undefined) return undefined
  const { OpenTelemetry } = await import('./open-telemetry.ts')
  return new OpenTelemetry(settings, note)
}
