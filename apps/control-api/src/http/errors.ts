/**
 * Every code that may leave the server, with its status (http-api 1.6), and how errors of the packages become one of them
 * (packages.md 13.2). HTTP statuses are chosen here and nowhere else.
 */
import type { Exceeded } from '@iron/token-manager'
import { exceededAnswer } from '../answers/limit.ts'
import { isoTime } from '../answers/scalars.ts'

/** The status of every code. */
export const STATUS = {
  VALIDATION_ERROR: 400,
  MALFORMED_JSON: 400,
  AMBIGUOUS_CREDENTIALS: 400,
  BUDGET_DECREASE_REQUEST: 400,
  APPROVAL_DECREASES_BUDGET: 400,
  INVALID_PROVIDER_ID: 400,
  BUDGET_DECREASE_REQUIRES_CONFIRMATION: 400,
  UNAUTHORIZED: 401,
  TOKEN_EXPIRED: 401,
  TOKEN_REVOKED: 401,
  FORBIDDEN: 403,
  PASSWORD_CHANGE_REQUIRED: 403,
  ACCOUNT_SUSPENDED: 403,
  ACCOUNT_LOCKED: 403,
  IP_NOT_ALLOWED: 403,
  SELF_MODIFICATION_FORBIDDEN: 403,
  SELF_APPROVAL_FORBIDDEN: 403,
  BUDGET_EXCEEDED: 403,
  LIMIT_EXCEEDED: 403,
  AGENT_STOPPED: 403,
  NO_PROVIDER_ASSIGNED: 403,
  PROVIDER_NOT_ASSIGNED: 403,
  PROVIDER_DISABLED: 403,
  NO_ACTIVE_KEY: 403,
  ORIGIN_NOT_ALLOWED: 403,
  NOT_FOUND: 404,
  USER_NOT_FOUND: 404,
  SESSION_NOT_FOUND: 404,
  TOKEN_NOT_FOUND: 404,
  AGENT_NOT_FOUND: 404,
  LEASE_NOT_FOUND: 404,
  PROVIDER_NOT_FOUND: 404,
  ASSIGNMENT_NOT_FOUND: 404,
  KEY_NOT_FOUND: 404,
  LIMIT_NOT_FOUND: 404,
  BUDGET_REQUEST_NOT_FOUND: 404,
  REQUEST_NOT_FOUND: 404,
  TRACE_NOT_FOUND: 404,
  AUDIT_ENTRY_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  IDEMPOTENCY_CONFLICT: 409,
  DUPLICATE_USERNAME: 409,
  DUPLICATE_EMAIL: 409,
  PROVIDER_EXISTS: 409,
  PROVIDER_KEY_EXISTS: 409,
  DUPLICATE_LIMIT: 409,
  IC_TOKEN_EXISTS: 409,
  USER_ALREADY_SUSPENDED: 409,
  USER_ALREADY_ACTIVE: 409,
  LAST_ADMIN: 409,
  TOKEN_ALREADY_REVOKED: 409,
  TOKEN_NOT_ACTIVE: 409,
  TOKEN_LIMIT_EXCEEDED: 409,
  AGENT_ARCHIVED: 409,
  KEY_NOT_ACTIVE: 409,
  LEASE_NOT_ACTIVE: 409,
  LEASE_CAP_REACHED: 409,
  BUDGET_BELOW_SPENT: 409,
  CONFLICT: 409,
  ADJUSTMENT_TOO_LARGE: 409,
  REQUEST_ALREADY_REVIEWED: 409,
  CURSOR_EXPIRED: 410,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UPGRADE_REQUIRED: 426,
  RATE_LIMIT_EXCEEDED: 429,
  HEADERS_TOO_LARGE: 431,
  INTERNAL_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
  CRYPTO_UNAVAILABLE: 503,
  QUERY_TIMEOUT: 504,
} as const

/** A code of http-api 1.6. */
export type ApiErrorCode = keyof typeof STATUS

/** Codes of the packages that leave under another name (packages.md 13.2). */
const RENAMED: Readonly<Record<string, ApiErrorCode>> = {
  INVALID_AMOUNT: 'VALIDATION_ERROR',
  TOO_MANY_DECIMALS: 'VALIDATION_ERROR',
  AMOUNT_OUT_OF_RANGE: 'VALIDATION_ERROR',
  INVALID_USAGE: 'VALIDATION_ERROR',
  INVALID_CURSOR: 'VALIDATION_ERROR',
  DATABASE_UNAVAILABLE: 'SERVICE_UNAVAILABLE',
  DATABASE_BUSY: 'SERVICE_UNAVAILABLE',
  DATABASE_CLOSED: 'SERVICE_UNAVAILABLE',
  DATABASE_CONSTRAINT: 'SERVICE_UNAVAILABLE',
  WRITE_TIMEOUT: 'SERVICE_UNAVAILABLE',
  LEDGER_MISMATCH: 'SERVICE_UNAVAILABLE',
  STORE_UNAVAILABLE: 'SERVICE_UNAVAILABLE',
  HASHING_BUSY: 'SERVICE_UNAVAILABLE',
}

/** Codes of the packages that cannot arise in a sound program: an internal error if they do. */
const INTERNAL: ReadonlySet<string> = new Set([
  // database
  'UNSUPPORTED_URL',
  'NESTED_WRITE',
  'TRANSACTION_CLOSED',
  'SCHEMA_MISMATCH',
  'MIGRATION_CHECKSUM_MISMATCH',
  'MIGRATION_FAILED',
  'UNSAFE_INTEGER',
  'COPY_REFUSED',
  'COPY_FAILED',
  // cost-calculator
  'UNKNOWN_MODEL',
  'INVALID_PRICE',
  'ALREADY_SETTLED',
  // rbac: a route turns NOT_OWNER into the not-found of its resource
  'NOT_OWNER',
  'INVALID_POLICY',
  // ic-token: registries answer with refusals
  'TOO_LONG',
  'MALFORMED',
  'BAD_ALGORITHM',
  'UNKNOWN_KEY',
  'BAD_SIGNATURE',
  'BAD_ISSUER',
  'BAD_CLAIMS',
  'NOT_YET_VALID',
  'EXPIRED',
  'WEAK_SECRET',
  // ip-token-crypto: services answer CRYPTO_UNAVAILABLE
  'INVALID_KEY',
  'INVALID_FORMAT',
  'DECRYPT_FAILED',
  'SECRET_TOO_LONG',
  // rate-limiter: how the app makes and asks its limiters
  'INVALID_LIMIT',
  'INVALID_COST',
  'MIXED_STORES',
  'ASYNC_STORE',
  // journal, token-manager, lease-manager
  'ENTRY_TOO_LARGE',
  'AUDIT_KEY_MISMATCH',
  'ALREADY_BOOTSTRAPPED',
  'PASSWORD_NOT_HASHED',
  'SEED_REFUSED',
  'BUDGET_EXISTS',
])

/** What every answer of a status says; a busy server may be asked again after a second. */
const STATUS_HEADERS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { 'WWW-Authenticate': 'Bearer' },
  429: { 'Retry-After': '1' },
  503: { 'Retry-After': '1' },
}
/** What a 5xx says, whatever happened inside (OPS-11). */
const INTERNAL_TEXT = 'Internal server error'
const UNAVAILABLE_TEXT = 'Service unavailable'
const SERVER_FAULT_TEXT: Readonly<Partial<Record<ApiErrorCode, string>>> = {
  INTERNAL_ERROR: INTERNAL_TEXT,
  CRYPTO_UNAVAILABLE: 'The provider key cannot be unsealed',
  QUERY_TIMEOUT: 'The query took too long',
}

/** An error as it leaves the server. */
export class ApiError extends Error {
  readonly code: ApiErrorCode
  readonly status: number
  readonly details: Readonly<Record<string, unknown>> | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ApiErrorCode,
    message: string,
    options: {
      readonly details?: Readonly<Record<string, unknown>> | undefined
      readonly headers?: Readonly<Record<string, string>> | undefined
      readonly cause?: unknown
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = STATUS[code]
    this.details = options.details
    this.headers = { ...STATUS_HEADERS[this.status], ...options.headers }
  }
}

/** The input breaks rules; every one is named. */
export function validationError(fields: Readonly<Record<string, string>>): ApiError {
  return new ApiError('VALIDATION_ERROR', 'Validation failed', { details: { fields } })
}

interface CodedError {
  readonly code: string
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
}

function isCoded(error: unknown): error is CodedError {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    'message' in error
  )
}

/** Whether a code of a package has a place in the table; a test asks it for every exported code (OPS-11). */
export function isMapped(code: string): boolean {
  return Object.hasOwn(STATUS, code) || renamed(code) !== undefined || INTERNAL.has(code)
}

function renamed(code: string): ApiErrorCode | undefined {
  return Object.hasOwn(RENAMED, code) ? RENAMED[code] : undefined
}

/** Turns whatever was thrown into what may leave. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (!isCoded(error)) return new ApiError('INTERNAL_ERROR', INTERNAL_TEXT, { cause: error })
  const code = Object.hasOwn(STATUS, error.code) ? (error.code as ApiErrorCode) : renamed(error.code)
  if (code === undefined) return new ApiError('INTERNAL_ERROR', INTERNAL_TEXT, { cause: error })
  if (STATUS[code] >= 500) {
    return new ApiError(code, SERVER_FAULT_TEXT[code] ?? UNAVAILABLE_TEXT, { cause: error })
  }
  return new ApiError(code, publicText(code, error.message), { details: wireDetails(code, error), cause: error })
}

function wireDetails(code: ApiErrorCode, error: CodedError): Readonly<Record<string, unknown>> | undefined {
  const { details } = error
  if (error.code === 'INVALID_CURSOR') return { fields: { 'query.after': error.message } }
  if (code === 'VALIDATION_ERROR') {
    const fields = details?.['fields'] as Record<string, string> | undefined
    return { fields: fields === undefined ? { $: error.message } : wireFields(fields) }
  }
  if (code === 'CURSOR_EXPIRED') return { oldest_cursor: details?.['oldestCursor'] }
  // The key that conflicts is in the request; whatever else a package tells here is its own.
  if (code === 'IDEMPOTENCY_CONFLICT') return undefined
  if (isNotFound(code) || details === undefined || Object.keys(details).length === 0) return undefined
  return code === 'LIMIT_EXCEEDED' ? exceededAnswer(details as unknown as Exceeded) : withWireTimes(details)
}

/** Packages tell times in epoch milliseconds, the wire in ISO-8601 (http-api 1.4). */
function withWireTimes(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name,
      name.endsWith('_at') && typeof value === 'number' ? isoTime(value) : value,
    ]),
  )
}

/** Fields that hold money end in `_usd` on the wire (http-api 1.3). */
const MONEY = /^(cost|amount|spent|allocated|requested|requestedAllocated|approvedAllocated|maxCostPerMonth)$/

/** `ownerId` of a package is `owner_id` on the wire, and its `cost` is `cost_usd`. */
function wireFields(fields: Readonly<Record<string, string>>): Record<string, string> {
  const wireName = (name: string): string =>
    `${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}${MONEY.test(name) ? '_usd' : ''}`
  return Object.fromEntries(
    Object.entries(fields).map(([path, text]) => [path.split('.').map(wireName).join('.'), text]),
  )
}

const isNotFound = (code: ApiErrorCode): boolean => code.endsWith('NOT_FOUND')

/** A package's text as a sentence. What is not there and what is not the caller's answer alike (ACL-03). */
function publicText(code: ApiErrorCode, text: string): string {
  if (code === 'VALIDATION_ERROR') return 'Validation failed'
  return isNotFound(code) ? 'Not found' : text.charAt(0).toUpperCase() + text.slice(1)
}

/** The body every non-2xx answer has. */
export function errorBody(error: ApiError, requestId: string): object {
  const details = error.status >= 500 ? { request_id: requestId, ...error.details } : error.details
  return { error: error.message, code: error.code, ...(details === undefined ? {} : { details }) }
}
