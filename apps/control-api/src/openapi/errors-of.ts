import type { ApiErrorCode } from '../http/errors.ts'
import type { RouteDefinition } from '../http/route.ts'

/** Whatever a route is: its query may be wrong, somebody may send too much, the server may fail. */
const OF_EVERY_ROUTE: readonly ApiErrorCode[] = [
  'VALIDATION_ERROR',
  'RATE_LIMIT_EXCEEDED',
  'HEADERS_TOO_LARGE',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
]
const OF_BODIES: readonly ApiErrorCode[] = ['MALFORMED_JSON', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE']
/** What the credential of a request may be refused with. */
export const OF_CREDENTIALS: readonly ApiErrorCode[] = [
  'AMBIGUOUS_CREDENTIALS',
  'UNAUTHORIZED',
  'TOKEN_EXPIRED',
  'TOKEN_REVOKED',
  'FORBIDDEN',
  'ACCOUNT_SUSPENDED',
  'IP_NOT_ALLOWED',
]

/** Every code a route may answer: those that follow from what it declares, and those it names. */
export function errorsOf(route: RouteDefinition): ReadonlySet<ApiErrorCode> {
  const codes = new Set([...OF_EVERY_ROUTE, ...(route.errors ?? [])])
  const addAll = (more: readonly ApiErrorCode[]): void => more.forEach((code) => codes.add(code))
  if (takesBody(route)) addAll(OF_BODIES)
  if (route.auth === 'refresh') addAll(['AMBIGUOUS_CREDENTIALS'])
  else if (route.auth !== 'public' && route.auth !== 'login') addAll(OF_CREDENTIALS)
  if (isForSessions(route) && route.whilePasswordChangePending !== true) addAll(['PASSWORD_CHANGE_REQUIRED'])
  if (route.idempotency !== undefined) addAll(['IDEMPOTENCY_CONFLICT'])
  if (route.agentParam !== undefined) addAll(['AGENT_NOT_FOUND'])
  if (route.rateLimit === 'analytics') addAll(['QUERY_TIMEOUT'])
  addAll(Object.values(route.params ?? {}).map(({ notFound }) => notFound))
  return codes
}

/** Whether a route reads a body; those of other methods are ignored (http-api 1.5). */
export function takesBody({ method }: RouteDefinition): boolean {
  return method !== 'GET' && method !== 'DELETE'
}

function isForSessions({ auth }: RouteDefinition): boolean {
  return auth === 'session' || auth === 'user' || auth === 'user-or-agent' || auth === 'any' || auth === 'metrics'
}
