/**
 * The path of every request through a route, in the order of checks of http-api 1.6: flood guard, body, credential, rate
 * limit, pending password change, permission, validation, idempotency, existence and ownership, handler.
 */
import type { IncomingMessage } from 'node:http'
import { isId, type WriteTx } from '@iron/database'
import { loginKey } from '@iron/token-manager'
import type { Services } from '../services.ts'
import { authenticate, looksAtCredentials } from './authenticate.ts'
import { carriesCredential, presentedCredential } from './credentials.ts'
import { ApiError, validationError } from './errors.ts'
import { readIdempotencyKey, runOnce } from './idempotency.ts'
import { BODY_BYTES_MAX, readJsonBody } from './json-body.ts'
import {
  forbidden,
  isPerson,
  type Principal,
  principalId,
  principalRef,
  refusePendingPasswordChange,
  requirePermission,
} from './principal.ts'
import { parseQuery } from './query.ts'
import { RATE_CLASSES } from './rate-classes.ts'
import type { RateGate } from './rate-gate.ts'
import type { RateUse } from './rate-limits.ts'
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
  gate: RateGate,
): Promise<HandlerAnswer> {
  const { definition: route, faultsOfBody, faultsOfQuery } = match.route
  await gate.enter(looksAtCredentials(route.auth))
  const takesBody = BODY_METHODS.has(route.method)
  const sent = takesBody ? await readJsonBody(request, route.bodyBytesMax ?? BODY_BYTES_MAX) : {}
  const faults = noFaults()
  const { body, icToken } = separateIcToken(route.auth, sent, faults)
  const look = (): Promise<Principal | undefined> => authenticate(services, request, route.auth, context, icToken)
  // Nothing presented is no attempt.
  const isAttempt = carriesCredential(request) || icToken !== undefined
  const principal = await (isAttempt ? gate.attempt(look) : look())
  if (principal !== undefined) context.principal = principalRef(principal)
  await admit(route, principal, body, gate)
  if (route.whilePasswordChangePending !== true) refusePendingPasswordChange(principal)
  const scope = permit(route, principal)
  const { values: query, repeated } = parseQuery(search, route.query)
  for (const name of repeated) faults[`query.${name}`] = 'is given more than once'
  addFaults(faults, faultsOfQuery(query))
  if (faultsOfBody !== undefined) addFaults(faults, faultsOfBody(body))
  const idempotencyKey = readIdempotencyKey(route, request, faults)
  if (Object.keys(faults).length > 0) throw validationError(faults)
  const params = checkParams(route, match.params)
  const presented = route.auth === 'refresh' ? presentedCredential(request) : undefined
  const bearer = presented?.isBearer === true ? presented.token : undefined
  const input = { services, context, principal, scope, params, query, body, idempotencyKey, bearer } as unknown as Omit<
    HandlerInput<RouteAuth, unknown, unknown>,
    'tx' | 'prepared'
  >
  const prepared = await route.prepare?.(input)
  const run = async (tx: WriteTx | undefined): Promise<HandlerAnswer> => {
    if (principal !== undefined) await refuseForeignAgent(services, route, params, principal, scope, tx)
    return route.handler({ ...input, tx, prepared })
  }
  if (route.auth === 'login' || route.auth === 'refresh') {
    return gate.attempt(() => run(undefined))
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

/** The route's rate class, counted for the address, the e-mail that logs in, or the principal (http-api 1.10). */
async function admit(
  route: RouteDefinition,
  principal: Principal | undefined,
  body: unknown,
  gate: RateGate,
): Promise<void> {
  const { rateLimit: rateClass } = route
  const use: RateUse =
    RATE_CLASSES[rateClass].key === 'principal'
      ? { rateClass, key: principal === undefined ? SCRAPER : principalId(principal) }
      : gate.addressUse(rateClass)
  if (route.leavesLimit === true) return gate.look(use)
  return gate.admit(route.auth === 'login' ? [use, ...emailUse(body)] : [use])
}

/** Whoever reads the metrics with the scrape token. */
const SCRAPER = 'scraper'

/** An e-mail is counted under the form in which its failures are, whoever tries it. */
function emailUse(body: unknown): RateUse[] {
  const email = typeof body === 'object' && body !== null && 'email' in body ? body.email : undefined
  return typeof email === 'string' ? [{ rateClass: 'login_email', key: loginKey(email) }] : []
}

function permit(route: RouteDefinition, principal: Principal | undefined): 'own' | 'any' {
  if (principal === undefined) return 'own'
  if (!isPerson(principal)) {
    if (route.agentPermission !== undefined && !principal.permissions.includes(route.agentPermission)) throw forbidden()
    return 'own'
  }
  if (route.permission === undefined) return 'own'
  const [first, ...others] = typeof route.permission === 'string' ? [route.permission] : route.permission
  const scope = requirePermission(principal, first)
  for (const permission of others) requirePermission(principal, permission)
  return scope
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
  if (!isPerson(principal)) {
    if (principal.agentId !== agentId) throw notFound('AGENT_NOT_FOUND')
    return
  }
  const budget = await services.budgets.get(agentId, { tx })
  if (budget?.ownerId !== principal.userId) throw notFound('AGENT_NOT_FOUND')
}
