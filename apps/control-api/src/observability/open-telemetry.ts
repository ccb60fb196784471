/**
 * {@link Tracing} with the OpenTelemetry SDK. Nobody else imports it, and nothing is registered globally: a process that embeds
 * the server keeps its own providers.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { type CallMessage, CALLS_CHANNEL, DatabaseError } from '@iron/database'
import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api'
import { parseKeyPairsIntoRecord, parseTraceParent } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { RequestContext } from '../http/request-context.ts'
import { version } from '../version.ts'
import { inTime } from './remembered.ts'
import { TellingExporter } from './telling-exporter.ts'
import type { RequestTrace, TracedAnswer, Tracing, TracingSettings } from './tracing.ts'

/** How long one post to the collector may take, its repetitions included, and how long a shutdown waits, in milliseconds. */
const EXPORT_TIMEOUT_MS = 3_000
const CLOSE_TIMEOUT_MS = 4_000
/** Where the API stands; its other bases are the same routes (http-api 1.1). */
const BASE = '/api/v1'
/** What is not one of them is a stranger's text. */
const KNOWN_METHODS: ReadonlySet<string> = new Set('CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT TRACE'.split(' '))
const SYSTEMS = { sqlite: 'sqlite', postgres: 'postgresql' } as const

export class OpenTelemetry implements Tracing {
  readonly #provider: TracerProvider
  readonly #tracer: Tracer
  readonly #current = new AsyncLocalStorage<Context>()
  readonly #unwatch: () => void

  constructor(settings: TracingSettings, note: (error: unknown) => void) {
    const exporter = new OTLPTraceExporter({
      url: `${settings.endpoint.replace(/(?<!\/)\/+$/, '')}/v1/traces`,
      headers: parseKeyPairsIntoRecord(settings.headers),
      timeoutMillis: EXPORT_TIMEOUT_MS,
    })
    this.#provider = new TracerProvider({
      // OTEL_RESOURCE_ATTRIBUTES, below what the configuration says.
      resource: defaultResource()
        .merge(detectResources({ detectors: [resourceAttributesEnvDetector] }))
        .merge(resourceFromAttributes({ 'service.name': settings.serviceName, 'service.version': version })),
      sampler: samplerOf(settings),
      spanProcessors: [new BatchSpanProcessor({ exporter: new TellingExporter(exporter, note) })],
    })
    this.#tracer = this.#provider.getTracer('iron-control-api', version)
    this.#unwatch = this.#watchDatabase()
  }

  begin({ method = '', httpVersion, headers }: IncomingMessage, { requestId, ip }: RequestContext): RequestTrace {
    const known = KNOWN_METHODS.has(method) ? method : '_OTHER'
    const attributes = {
      'http.request.method': known,
      'url.scheme': 'http',
      'network.protocol.version': httpVersion,
      'client.address': ip,
      'iron.request_id': requestId,
    }
    const parent = parentOf(headers['traceparent'])
    const span = this.#tracer.startSpan(known, { kind: SpanKind.SERVER, attributes }, parent)
    const inside = trace.setSpan(ROOT_CONTEXT, span)
    return {
      run: (handle) => this.#current.run(inside, handle),
      end: (answer) => endRequest(span, known, answer),
    }
  }

  async close(): Promise<void> {
    this.#unwatch()
    // A collector that is gone was told of when it was missed first.
    await inTime(CLOSE_TIMEOUT_MS, this.#provider.shutdown()).catch(() => undefined)
  }

  /** A span for each call of a traced request. */
  #watchDatabase(): () => void {
    const calls = tracingChannel<CallMessage>(CALLS_CHANNEL)
    const spans = new WeakMap<CallMessage, Span>()
    const start = (call: CallMessage): void => {
      const parent = this.#current.getStore()
      if (parent === undefined) return
      const attributes = { 'db.system.name': SYSTEMS[call.dialect], 'db.operation.name': call.kind }
      const kind = call.dialect === 'postgres' ? SpanKind.CLIENT : SpanKind.INTERNAL
      spans.set(call, this.#tracer.startSpan(`database ${call.kind}`, { kind, attributes }, parent))
    }
    const end = (call: CallMessage): void => {
      const span = spans.get(call)
      if (span === undefined) return
      spans.delete(call)
      if (call.error !== undefined) noteError(span, call.error)
      span.end()
    }
    const nothing = (): void => undefined
    // What fails at once has no asyncEnd.
    const watch = { start, end: nothing, asyncStart: nothing, asyncEnd: end, error: end }
    calls.subscribe(watch)
    return () => {
      calls.unsubscribe(watch)
    }
  }
}

/** Only ids are taken over: a tracestate is a stranger's text. */
function parentOf(traceparent: unknown): Context {
  const parsed = typeof traceparent === 'string' ? parseTraceParent(traceparent) : null
  return parsed === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...parsed, isRemote: true })
}

function endRequest(span: Span, method: string, { route, status }: TracedAnswer): void {
  const path = route?.slice(route.indexOf(' ') + 1)
  if (path !== undefined) {
    span.setAttribute('http.route', `${BASE}${path}`)
    span.updateName(`${method} ${BASE}${path}`)
  }
  span.setAttribute('http.response.status_code', status)
  if (status >= 500) {
    span.setAttribute('error.type', String(status))
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
  span.end()
}

/** A call's error by its code alone, which is one of a closed set; a refusal rolls back and is no fault of the database. */
function noteError(span: Span, error: unknown): void {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  span.setAttribute('error.type', typeof code === 'string' ? code : '_OTHER')
  if (error instanceof DatabaseError) span.setStatus({ code: SpanStatusCode.ERROR })
}

function samplerOf({ sampler, samplerRatio }: TracingSettings): Sampler {
  const root = rootSampler(sampler.replace('parentbased_', ''), samplerRatio)
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root
}

function rootSampler(name: string, ratio: number): Sampler {
  if (name === 'always_off') return new AlwaysOffSampler()
  return name === 'traceidratio' ? new TraceIdRatioBasedSampler(ratio) : new AlwaysOnSampler()
}
