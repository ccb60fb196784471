import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { DatabaseError, IronError } from '@iron/database'
import { ApiError, type ApiErrorCode, errorBody, isMapped, toApiError } from '../../src/http/errors.ts'

/** http-api 1.6, by status. */
const CODES: Readonly<Record<number, string>> = {
  400: 'VALIDATION_ERROR MALFORMED_JSON AMBIGUOUS_CREDENTIALS BUDGET_DECREASE_REQUEST APPROVAL_DECREASES_BUDGET INVALID_PROVIDER_ID BUDGET_DECREASE_REQUIRES_CONFIRMATION',
  401: 'UNAUTHORIZED TOKEN_EXPIRED TOKEN_REVOKED',
  403: 'FORBIDDEN PASSWORD_CHANGE_REQUIRED ACCOUNT_SUSPENDED ACCOUNT_LOCKED IP_NOT_ALLOWED SELF_MODIFICATION_FORBIDDEN SELF_APPROVAL_FORBIDDEN BUDGET_EXCEEDED LIMIT_EXCEEDED AGENT_STOPPED NO_PROVIDER_ASSIGNED PROVIDER_NOT_ASSIGNED PROVIDER_DISABLED NO_ACTIVE_KEY ORIGIN_NOT_ALLOWED',
  404: 'NOT_FOUND USER_NOT_FOUND SESSION_NOT_FOUND TOKEN_NOT_FOUND AGENT_NOT_FOUND LEASE_NOT_FOUND PROVIDER_NOT_FOUND ASSIGNMENT_NOT_FOUND KEY_NOT_FOUND LIMIT_NOT_FOUND BUDGET_REQUEST_NOT_FOUND REQUEST_NOT_FOUND TRACE_NOT_FOUND AUDIT_ENTRY_NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  409: 'IDEMPOTENCY_CONFLICT DUPLICATE_USERNAME DUPLICATE_EMAIL PROVIDER_EXISTS PROVIDER_KEY_EXISTS DUPLICATE_LIMIT IC_TOKEN_EXISTS USER_ALREADY_SUSPENDED USER_ALREADY_ACTIVE LAST_ADMIN TOKEN_ALREADY_REVOKED TOKEN_NOT_ACTIVE TOKEN_LIMIT_EXCEEDED AGENT_ARCHIVED KEY_NOT_ACTIVE LEASE_NOT_ACTIVE LEASE_CAP_REACHED BUDGET_BELOW_SPENT CONFLICT ADJUSTMENT_TOO_LARGE REQUEST_ALREADY_REVIEWED',
  410: 'CURSOR_EXPIRED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  426: 'UPGRADE_REQUIRED',
  429: 'RATE_LIMIT_EXCEEDED',
  431: 'HEADERS_TOO_LARGE',
  500: 'INTERNAL_ERROR',
  503: 'SERVICE_UNAVAILABLE CRYPTO_UNAVAILABLE',
  504: 'QUERY_TIMEOUT',
}
const listed = Object.entries(CODES).flatMap(([status, codes]) =>
  codes.split(' ').map((code) => [code, Number(status)] as [ApiErrorCode, number]),
)

test.each(listed)('%s is %i, with the headers of its status', (code, status) => {
  const error = new ApiError(code, 'text')
  expect(error.status).toBe(status)
  expect(error.headers['WWW-Authenticate']).toBe(status === 401 ? 'Bearer' : undefined)
  expect(error.headers['Retry-After']).toBe(status === 429 || status === 503 ? '1' : undefined)
})

test('OPS-11 every code that a package exports has its place in the table', () => {
  const packages = new URL('../../../../packages/', import.meta.url)
  const unmapped: string[] = []
  let seen = 0
  for (const name of readdirSync(packages)) {
    const source = readFileSync(new URL(`${name}/src/errors.ts`, packages), 'utf8')
    for (const [, code = ''] of source.matchAll(/'([A-Z][A-Z_]+)'/g)) {
      seen += 1
      if (!isMapped(code)) unmapped.push(`${name}: ${code}`)
    }
  }
  expect(seen).toBeGreaterThan(80)
  expect(unmapped).toEqual([])
  expect(['constructor', 'toString', '__proto__', 'NO_SUCH_CODE'].filter(isMapped)).toEqual([])
})

test('an error of a package says whose it is, and is retryable only where that is said', async () => {
  type ErrorClass = new (code: string, ...more: unknown[]) => Error & { readonly retryable?: unknown }
  const names: string[] = []
  for (const name of readdirSync(new URL('../../../../packages/', import.meta.url))) {
    const all = (await import(`@iron/${name}`)) as Readonly<Record<string, unknown>>
    for (const [exported, value] of Object.entries(all)) {
      if (!/^[A-Z]\w+Error$/.test(exported) || exported === 'IronError') continue
      const error = new (value as ErrorClass)('NO_SUCH_CODE', 'what happened')
      expect([error.name, error.retryable]).toEqual([exported, false])
      names.push(exported)
    }
  }
  expect(names).toEqual(expect.arrayContaining(['CostError', 'CryptoError', 'IcTokenError', 'LeaseError', 'RbacError']))
})

describe('what a package throws leaves as', () => {
  class PackageError extends IronError {}
  const left = (code: string, details: Record<string, unknown> = {}): unknown => {
    const error = toApiError(new PackageError(code, 'what happened', { details }))
    return [error.status, errorBody(error, 'r-1')]
  }

  test('the same code with its details', () => {
    expect(left('BUDGET_EXCEEDED', { spent: 105.5, limit: 100 })).toEqual([
      403,
      { error: 'What happened', code: 'BUDGET_EXCEEDED', details: { spent: 105.5, limit: 100 } },
    ])
    expect(left('AGENT_ARCHIVED')).toEqual([409, { error: 'What happened', code: 'AGENT_ARCHIVED' }])
  })

  test('ACL-03 a missing thing, without what was looked for', () => {
    expect(left('LEASE_NOT_FOUND', { lease_id: 'lease_1' })).toEqual([
      404,
      { error: 'Not found', code: 'LEASE_NOT_FOUND' },
    ])
  })

  test('field names of the wire', () => {
    expect(
      left('VALIDATION_ERROR', {
        fields: { ownerId: 'is required', 'usage.inputTokens': 'is too large', 'reports[3].cost': 'must be' },
      }),
    ).toEqual([
      400,
      {
        error: 'Validation failed',
        code: 'VALIDATION_ERROR',
        details: {
          fields: { owner_id: 'is required', 'usage.input_tokens': 'is too large', 'reports[3].cost_usd': 'must be' },
        },
      },
    ])
    for (const code of ['INVALID_AMOUNT', 'TOO_MANY_DECIMALS', 'AMOUNT_OUT_OF_RANGE', 'INVALID_USAGE']) {
      expect(left(code)).toMatchObject([400, { code: 'VALIDATION_ERROR', details: { fields: { $: 'what happened' } } }])
    }
    expect(left('INVALID_CURSOR')).toMatchObject([400, { details: { fields: { 'query.after': 'what happened' } } }])
  })

  test.each([
    'DATABASE_UNAVAILABLE',
    'DATABASE_BUSY',
    'DATABASE_CLOSED',
    'DATABASE_CONSTRAINT',
    'WRITE_TIMEOUT',
    'LEDGER_MISMATCH',
    'STORE_UNAVAILABLE',
  ])('%s: try again, and nothing about why', (code) => {
    const error = toApiError(new PackageError(code, 'UNIQUE constraint failed: users.email', { details: { sql: 'x' } }))
    expect(errorBody(error, 'r-1')).toEqual({
      error: 'Service unavailable',
      code: 'SERVICE_UNAVAILABLE',
      details: { request_id: 'r-1' },
    })
    expect(error.headers['Retry-After']).toBe('1')
  })

  test.each([
    new DatabaseError('NESTED_WRITE', 'secret'),
    Object.assign(new Error('secret'), { code: 'ENOENT' }),
    Object.assign(new Error('secret'), { code: 'hasOwnProperty' }),
    new TypeError('secret'),
    'secret',
    null,
    undefined,
  ])('anything else is an internal error: %p', (thrown) => {
    expect(errorBody(toApiError(thrown), 'r-1')).toEqual({
      error: 'Internal server error',
      code: 'INTERNAL_ERROR',
      details: { request_id: 'r-1' },
    })
  })
})
