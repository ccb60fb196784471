/**
 * The path of every request through a route, in the order of checks of http-api 1.6: body, credential, pending password
 * change, permission, validation, idempotency, existence and ownership, handler.
 */
import type { IncomingMessage } from 'node:http'
import { isId, type Json, type WriteTx } from '@iron/database'
import type { Services } from '../services.ts'
import { authenticate } from './authenticate.ts'
import { presentedCredential } from './credentials.ts'
import { ApiError, validationError } from './errors.ts'
import { BODY_BYTES_MAX, readJsonBody } from './json-body.ts'
import { forbidden, type Principal, requirePermission } from './principal.ts'
import { parseQuery } from './query.ts'
import type { RequestContext } from './request-context.ts'
import type { HandlerAnswer, HandlerInput, RouteAuth, RouteDefinition } from './route.ts'
import type { RouteMatch } from './route-table.ts'
import { type Faulty, noFaults } from './validator.ts'

const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH'])

/** Runs a request through its route. @throws whatever the route or a check throws */
export async function handle(
  services: Services,
  request: IncomingMessage,
  match: RouteMatch,
  search: string,
  context: RequestContext,
): Promise<HandlerAnswer> {
  const { definition: route, faultsOfBody, faultsOfQuery } = match.route
  const takesBody = BODY_METHODS.has(route.method)
  const sent = takesBody ? await readJsonBody(request, route.bodyBytesMax ?? BODY_BYTES_MAX) : {}
  const faults = noFaults()
  const { body, icToken } = separateIcToken(route.auth, sent, faults)
  const principal = await authenticate(services, request, route.auth, context, icToken)
  refusePendingPasswordChange(route, principal)
  const scope = permit(route, principal)
  const { values: query, repeated } = parseQuery(search, route.query)
  for (const name of repeated) faults[`query.${name}`] = 'is given more than once'
  addFaults(faults, faultsOfQuery(query))
  if (faultsOfBody !== undefined) addFaults(faults, faultsOfBody(body))
  const idempotencyKey = readIdempotencyKey(route, request, faults)
  if (Object.keys(faults).length > 0) throw validationError(faults)
  const params = checkParams(route, match.params)
  const bearer = route.auth === 'refresh' ? presentedCredential(request)?.token : undefined
  const input = { services, context, principal, scope, params, query, body, idempotencyKey, bearer } as unknown as Omit<
    HandlerInput<RouteAuth, unknown, unknown>,
    'tx'
  >
  const run = async (tx: WriteTx | undefined): Promise<HandlerAnswer> => {
    if (principal !== undefined) await refuseForeignAgent(services, route, params, principal, scope, tx)
    return route.handler({ ...input, tx })
  }
  if (route.idempotency !== 'stored' || idempotencyKey === undefined || principal === undefined) return run(undefined)
  return runOnce(services, route, request, principal, { key: idempotencyKey, body }, run)
}

/** Characters of an IC token with its prefix (http-api 4.9.3). */
const IC_TOKEN_MAX = 2_003

/** The body may carry the credential of an agent; it is no field of the message. */
function separateIcToken(
  auth: RouteAuth,
  sent: unknown,
  faults: Faulty,
): { readonly body: unknown; readonly icToken: string | undefined } {
  if (auth !== 'agent' || typeof sent !== 'object' || sent === null || !Object.hasOwn(sent, 'ic_token')) {
    return { body: sent, icToken: undefined }
  }
  const { ic_token: icToken, ...body } = sent as Record<string, unknown>
  if (typeof icToken === 'string' && icToken.length <= IC_TOKEN_MAX) return { body, icToken }
  faults['ic_token'] = `must be a text of at most ${IC_TOKEN_MAX} characters`
  return { body, icToken: undefined }
}

function refusePendingPasswordChange(route: RouteDefinition, principal: Principal | undefined): void {
  if (principal?.kind === 'session' && principal.forcePasswordChange && route.whilePasswordChangePending !== true) {
    throw new ApiError('PASSWORD_CHANGE_REQUIRED', 'The password must be changed first')
  }
}

function permit(route: RouteDefinition, principal: Principal | undefined): 'own' | 'any' {
  if (principal === undefined) return 'own'
  if (principal.kind === 'ic_token') {
    if (route.agentPermission !== undefined && !principal.permissions.includes(route.agentPermission)) throw forbidden()
    return 'own'
  }
  return route.permission === undefined ? 'own' : requirePermission(principal, route.permission)
}

/** All faults of a request are reported together, the first of each path (VAL-02). */
function addFaults(faults: Faulty, more: Faulty | undefined): void {
  for (const path in more) faults[path] ??= more[path] ?? ''
}

function checkParams(route: RouteDefinition, params: RouteMatch['params']): Record<string, string> {
  const checked: Record<string, string> = {}
  for (const [name, value] of Object.entries(params)) {
    const rule = route.params?.[name]
    if (value === undefined || (rule !== undefined && !isId(value, rule.prefix))) {
      throw notFound(rule?.notFound ?? 'NOT_FOUND')
    }
    checked[name] = value
  }
  return checked
}

/** The answer of something that is not there, or not the caller's: the same bytes for both (ACL-03). */
export function notFound(code: ApiError['code']): ApiError {
  return new ApiError(code, 'Not found')
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

function readIdempotencyKey(route: RouteDefinition, request: IncomingMessage, faults: Faulty): string | undefined {
  const key = request.headers['idempotency-key']
  if (route.idempotency === undefined || key === undefined) return undefined
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key
  faults['header.Idempotency-Key'] = 'must be 1 to 255 visible ASCII characters'
  return undefined
}

async function refuseForeignAgent(
  services: Services,
  route: RouteDefinition,
  params: Readonly<Record<string, string>>,
  principal: Principal,
  scope: 'own' | 'any',
  tx: WriteTx | undefined,
): Promise<void> {
  if (route.agentParam === undefined || scope === 'any') return
  const agentId = params[route.agentParam] ?? ''
  if (principal.kind === 'ic_token') {
    if (principal.agentId !== agentId) throw notFound('AGENT_NOT_FOUND')
    return
  }
  const budget = await services.budgets.get(agentId, { tx })
  if (budget?.ownerId !== principal.userId) throw notFound('AGENT_NOT_FOUND')
}

interface StoredAnswer {
  readonly status: number
  readonly body: Json
  readonly headers: Readonly<Record<string, string>>
}

/** Runs a creating call once per key; a repeat gets the stored answer without its secrets (http-api 1.9). */
async function runOnce(
  services: Services,
  route: RouteDefinition,
  request: IncomingMessage,
  principal: Principal,
  call: { readonly key: string; readonly body: unknown },
  run: (tx: WriteTx) => Promise<HandlerAnswer>,
): Promise<HandlerAnswer> {
  const principalId = principal.kind === 'session' ? principal.userId : principal.agentId
  const path = (request.url ?? '')
    .replace(/\?.*$/s, '')
    .replace(/^\/api(\/v1)?/, '')
    .replace(/\/$/, '')
  const key = { principalId, route: `${route.method} ${path}`, key: call.key, payload: call.body }
  let live: HandlerAnswer | undefined
  const { result, replayed } = await services.idempotency.run(key, async (tx) => {
    live = await run(tx)
    const stored: StoredAnswer = {
      status: live.status ?? 200,
      body: withoutSecrets(JSON.parse(JSON.stringify(live.body ?? null)) as Json, route.secrets ?? []),
      headers: live.headers ?? {},
    }
    return stored as unknown as Json
  })
  if (!replayed && live !== undefined) return live
  const stored = result as unknown as StoredAnswer
  const body = route.secrets === undefined ? stored.body : { ...(stored.body as object), secret_omitted: true }
  return { status: stored.status, body, headers: { ...stored.headers, 'Idempotency-Replayed': 'true' } }
}

function withoutSecrets(body: Json, secrets: readonly string[]): Json {
  const copy = structuredClone(body) as Record<string, unknown>
  for (const secret of secrets) {
    const segments = secret.split('.')
    const last = segments.pop() ?? ''
    const parent = segments.reduce<Record<string, unknown> | undefined>(
      (object, name) => object?.[name] as Record<string, unknown> | undefined,
      copy,
    )
    if (parent !== undefined) parent[last] = null
  }
  return copy as Json
}
