import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** A span as a collector receives it. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly status: { readonly code?: number }
  readonly attributes: Readonly<Record<string, unknown>>
}

/** An OTLP collector on a loopback port: takes spans over HTTP in JSON. */
export interface Collector extends AsyncDisposable {
  readonly endpoint: string
  /** What came, as it came. */
  readonly bodies: readonly string[]
  readonly headers: readonly http.IncomingHttpHeaders[]
  spans(): ReceivedSpan[]
  /** The attributes of the process that sent them. */
  resource(): Readonly<Record<string, unknown>>
}

interface Value {
  readonly stringValue?: string
  readonly intValue?: number | string
  readonly doubleValue?: number
  readonly boolValue?: boolean
}
type Attributes = readonly { readonly key: string; readonly value: Value }[]
interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes }
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ReceivedSpan, 'attributes'> & { readonly attributes: Attributes })[]
    }[]
  }[]
}

/** @param answer what it does with a request that has been read; default: takes it */
export async function startCollector(answer = takes): Promise<Collector> {
  const bodies: string[] = []
  const headers: http.IncomingHttpHeaders[] = []
  const server = http.createServer((request, response) => {
    headers.push({ ...request.headers, path: request.url })
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      bodies.push(body)
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const received = (): Export['resourceSpans'][number][] =>
    bodies.flatMap((body) => (JSON.parse(body) as Export).resourceSpans)
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    headers,
    spans: () =>
      received()
        .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
        .map((span) => ({ ...span, attributes: record(span.attributes) })),
    resource: () => record(received()[0]?.resource.attributes ?? []),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const takes = (response: http.ServerResponse): void => {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}')
}

function record(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ??
        (value.intValue === undefined ? (value.doubleValue ?? value.boolValue) : Number(value.intValue)),
    ]),
  )
}
