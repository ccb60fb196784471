/**
 * The Express application around a table of routes. Every request gets its id, its security and CORS headers and one answer
 * in the one shape, whatever happens inside: a route is found by its raw path, run through `handle`, and whatever it throws
 * leaves through the error table.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type Express, type Request, type Response } from 'express'
import helmet from 'helmet'
import type { Logger } from '../observability/logger.ts'
import type { Services } from '../services.ts'
import { addCorsHeaders } from './cors.ts'
import { ApiError, errorBody, toApiError } from './errors.ts'
import { handle } from './handle.ts'
import { RateGate } from './rate-gate.ts'
import { type RequestContext, requestContext } from './request-context.ts'
import type { HandlerAnswer, RouteDefinition } from './route.ts'
import { RouteTable } from './route-table.ts'
import { Type } from './schemas.ts'
import { compileFindFaults } from './validator.ts'

/** Where the API answers; both are version 1 (http-api 1.1). */
const BASES = ['/api/v1', '/api'] as const
const EMPTY = Type.Object({}, { additionalProperties: false })

/** What the application is told besides its routes and services. */
export interface ApplicationOptions {
  readonly allowedOrigins: readonly string[]
  /** How many proxies are believed in X-Forwarded-For. */
  readonly trustedProxies: number
  /** Whether answers announce HTTPS for the future (HSTS): in production. */
  readonly strictTransportSecurity: boolean
}

/** Builds the route table. Each schema is compiled once. */
function buildTable(routes: readonly RouteDefinition[]): RouteTable {
  const table = new RouteTable()
  const named = new Set(routes.map(({ method, path }) => `${method} ${path}`))
  for (const definition of routes) {
    const takesBody = definition.method !== 'GET' && definition.method !== 'DELETE'
    const compiled = {
      definition,
      faultsOfBody: takesBody ? compileFindFaults(definition.body ?? EMPTY) : undefined,
      faultsOfQuery: compileFindFaults(definition.query ?? EMPTY, 'query.'),
    }
    // PUT means the same partial update where it has no meaning of its own (http-api 1.1).
    const alias = definition.method === 'PATCH' && !named.has(`PUT ${definition.path}`)
    for (const base of [...BASES, ...(definition.atRoot === true ? [''] : [])]) {
      table.add(base, compiled)
      if (alias) table.add(base, compiled, 'PUT')
    }
  }
  return table
}

/** The Express application. It never listens. */
export function createApplication(
  routes: readonly RouteDefinition[],
  services: Services,
  options: ApplicationOptions,
  logger: Logger,
): Express {
  const table = buildTable(routes)
  const origins = new Set(options.allowedOrigins)
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(
    helmet({
      contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] }, useDefaults: false },
      frameguard: { action: 'deny' },
      referrerPolicy: { policy: 'no-referrer' },
      strictTransportSecurity: options.strictTransportSecurity,
    }),
  )
  app.use((request: Request, response: Response) => {
    const context = requestContext(request, services.database.ids, options.trustedProxies)
    const began = performance.now()
    const traced = services.tracing?.begin(request, context)
    const answering = (): Promise<string | undefined> => answer(request, response, context)
    const answered = traced === undefined ? answering() : traced.run(answering)
    answered.then(
      (route) => {
        traced?.end({ route, status: response.statusCode })
        const seconds = (performance.now() - began) / 1_000
        services.metrics.countRequest({ route, status: response.statusCode, seconds })
        const level = response.statusCode >= 500 ? 'error' : response.statusCode >= 400 ? 'info' : 'debug'
        const ms = Math.round(seconds * 100_000) / 100
        const { requestId: request_id, ip, principal } = context
        const { method } = request
        logger[level]({ request_id, method, route, status: response.statusCode, ms, ip, principal }, 'request')
      },
      // Not even the error could be written: the connection is all that is left to end.
      (error: unknown) => {
        traced?.end({ route: undefined, status: 500 })
        logger.error({ request_id: context.requestId, err: error }, 'answer failed')
        response.destroy()
      },
    )
  })

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    context: RequestContext,
  ): Promise<string | undefined> {
    response.setHeader('X-Request-Id', context.requestId)
    response.setHeader('Cache-Control', 'no-store')
    response.setHeader('Vary', 'Origin')
    addCorsHeaders(request, response, origins)
    let route: string | undefined
    const gate = new RateGate(services.rateLimits, context.ip)
    try {
      refuseMissingHost(request)
      const [path, search] = splitUrl(request.url ?? '/')
      const found = table.find(path)
      if (found === undefined) throw new ApiError('NOT_FOUND', 'Not found')
      if (request.method === 'OPTIONS') {
        send(request, response, { status: 204, headers: { Allow: allowed(found.methods) } })
        return undefined
      }
      const match = found.match(request.method === 'HEAD' ? 'GET' : (request.method ?? ''))
      if (match === undefined) {
        const headers = { Allow: allowed(found.methods) }
        throw new ApiError('METHOD_NOT_ALLOWED', 'Method not allowed', { headers })
      }
      route = `${match.route.definition.method} ${match.route.definition.path}`
      const done = await handle(services, request, match, search, context, gate)
      send(request, response, { ...done, headers: { ...gate.headers, ...done.headers } })
    } catch (thrown) {
      const error = toApiError(thrown)
      if (error.status >= 500)
        logger.error({ request_id: context.requestId, route, err: error.cause ?? error }, 'request failed')
      const { status } = error
      const headers = { ...gate.headers, ...error.headers }
      send(request, response, { status, headers, body: errorBody(error, context.requestId) })
    }
    return route
  }
  return app
}

/** RFC 9112 3.2. Node would answer in a shape of its own. */
function refuseMissingHost(request: IncomingMessage): void {
  if (request.headers.host === undefined && request.httpVersionMajor === 1 && request.httpVersionMinor >= 1) {
    throw new ApiError('MALFORMED_JSON', 'The request has no Host header')
  }
}

function send(request: IncomingMessage, response: ServerResponse, answer: HandlerAnswer): void {
  if (response.headersSent || response.destroyed) return
  const bytes = bytesOf(answer)
  response.statusCode = answer.status ?? 200
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  if (response.hasHeader('Upgrade')) nameUpgrade(response)
  if (bytes === undefined) {
    response.end()
    return
  }
  response.setHeader('Content-Type', answer.text?.type ?? 'application/json; charset=utf-8')
  response.setHeader('Content-Length', bytes.length)
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

/** Who sends Upgrade names it in Connection (RFC 9110 7.8), where Node then no longer says that the connection ends. */
function nameUpgrade(response: ServerResponse): void {
  const ends = !response.shouldKeepAlive || response.hasHeader('Connection')
  response.setHeader('Connection', ends ? 'close, Upgrade' : 'Upgrade')
}

function bytesOf({ body, text }: HandlerAnswer): Buffer | undefined {
  if (text !== undefined) return typeof text.content === 'string' ? Buffer.from(text.content) : text.content
  return body === undefined ? undefined : Buffer.from(JSON.stringify(body))
}

function splitUrl(url: string): [path: string, search: string] {
  const question = url.indexOf('?')
  return question < 0 ? [url, ''] : [url.slice(0, question), url.slice(question + 1)]
}

function allowed(methods: readonly string[]): string {
  const all = new Set([...methods, 'OPTIONS', ...(methods.includes('GET') ? ['HEAD'] : [])])
  return [...all].sort().join(', ')
}
