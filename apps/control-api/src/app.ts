import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type Express, type Request, type Response } from 'express'
import helmet from 'helmet'
import type { ControlApiConfig } from './config.ts'
import { addCorsHeaders } from './http/cors.ts'
import { ApiError, errorBody, toApiError } from './http/errors.ts'
import { handle } from './http/handle.ts'
import { type RequestContext, requestContext } from './http/request-context.ts'
import type { HandlerAnswer } from './http/route.ts'
import { RouteTable } from './http/route-table.ts'
import { Type } from './http/schemas.ts'
import { compileCheck } from './http/validator.ts'
import type { Logger } from './observability/logger.ts'
import { routes } from './routes/index.ts'
import type { Services } from './services.ts'

/** Where the API answers; both are version 1 (http-api 1.1). */
const BASES = ['/api/v1', '/api'] as const
const EMPTY = Type.Object({}, { additionalProperties: false })

/** Builds the route table; schemas are compiled here, once. */
function buildTable(): RouteTable {
  const table = new RouteTable()
  for (const definition of routes) {
    const takesBody = definition.method !== 'GET' && definition.method !== 'DELETE'
    const compiled = {
      definition,
      checkBody: takesBody ? compileCheck(definition.body ?? EMPTY) : undefined,
      checkQuery: compileCheck(definition.query ?? EMPTY, 'query.'),
    }
    for (const base of [...BASES, ...(definition.atRoot === true ? [''] : [])]) table.add(base, compiled)
  }
  return table
}

/** The Express application. It never listens. */
export function createApp(services: Services, config: ControlApiConfig, logger: Logger): Express {
  const table = buildTable()
  const origins = new Set(config.allowedOrigins)
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(
    helmet({
      contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] }, useDefaults: false },
      frameguard: { action: 'deny' },
      referrerPolicy: { policy: 'no-referrer' },
      strictTransportSecurity: config.environment === 'production',
    }),
  )
  app.use((request: Request, response: Response) => {
    const context = requestContext(request, services.database.ids, config.trustedProxies)
    const began = performance.now()
    void answer(request, response, context).then((route) => {
      const level = response.statusCode >= 500 ? 'error' : response.statusCode >= 400 ? 'info' : 'debug'
      const ms = Math.round((performance.now() - began) * 100) / 100
      logger[level](
        { request_id: context.requestId, method: request.method, route, status: response.statusCode, ms },
        'request',
      )
    })
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
    const [path, search] = splitUrl(request.url ?? '/')
    const found = table.find(path)
    let route: string | undefined
    try {
      if (found === undefined) throw new ApiError('NOT_FOUND', 'Not found')
      const allow = allowed(found.methods)
      if (request.method === 'OPTIONS') return send(request, response, { status: 204, headers: { Allow: allow } })
      const match = found.match(request.method === 'HEAD' ? 'GET' : (request.method ?? ''))
      if (match === undefined)
        throw new ApiError('METHOD_NOT_ALLOWED', 'Method not allowed', { headers: { Allow: allow } })
      route = `${match.route.definition.method} ${match.route.definition.path}`
      send(request, response, await handle(services, request, match, search, context))
    } catch (thrown) {
      const error = toApiError(thrown)
      if (error.status >= 500)
        logger.error({ request_id: context.requestId, route, err: error.cause ?? error }, 'request failed')
      const { status, headers } = error
      send(request, response, { status, headers, body: errorBody(error, context.requestId) })
    }
    return route
  }
  return app
}

function send(request: IncomingMessage, response: ServerResponse, answer: HandlerAnswer): undefined {
  if (response.headersSent || response.destroyed) return
  response.statusCode = answer.status ?? 200
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  if (answer.body === undefined) {
    response.end()
    return
  }
  const bytes = Buffer.from(JSON.stringify(answer.body))
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.setHeader('Content-Length', bytes.length)
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

function splitUrl(url: string): [path: string, search: string] {
  const question = url.indexOf('?')
  return question < 0 ? [url, ''] : [url.slice(0, question), url.slice(question + 1)]
}

function allowed(methods: readonly string[]): string {
  const all = new Set([...methods, 'OPTIONS', ...(methods.includes('GET') ? ['HEAD'] : [])])
  return [...all].sort().join(', ')
}
