/** Every code a response may have (http-api 1.6): what it means, its details, and an example. */
import { exceededShape } from '../answers/limit.ts'
import { leaseStatus } from '../answers/lease.ts'
import { budgetRequestStatus } from '../answers/budget-request.ts'
import { dollars, list, shape, shown, usuallyAs, usuallyNull, whole } from '../answers/shape.ts'
import type { ApiErrorCode } from '../http/errors.ts'
import { id, nullable, oneOf, optional, time, type TSchema, Type } from '../http/schemas.ts'

/** One code. */
interface ErrorCode {
  readonly meaning: string
  /** What `error` says in the example; the text may change, the code does not. */
  readonly text: string
  /** Absent: such an answer has no details. */
  readonly details?: TSchema
  /** The details may be missing. */
  readonly mayLackDetails?: true
}

const NOT_THERE = { meaning: 'It does not exist, or the caller may not see it', text: 'Not found' }
const request = { request_id: shown('0199c2f0-5a00-7000-8000-0000000000aa') }
const ofServer = shape(request)
const retryAfter = { retry_after: whole(12) }
const existing = shape({ existing_id: optional(shown('prov_0199c2f0-5a00-7000-8000-000000000003')) })
const allocation = shape({ allocated_usd: dollars(100) })
const provider = shape({ provider_id: optional(id('prov')) })
const maximum = shape({ max: whole(10) })
const check = oneOf('ok', 'failed')

export const ERROR_CODES: Readonly<Record<ApiErrorCode, ErrorCode>> = {
  VALIDATION_ERROR: {
    meaning: 'The input breaks rules; each is named by its path',
    text: 'Validation failed',
    details: shape({
      fields: Type.Unsafe<Readonly<Record<string, string>>>({
        type: 'object',
        additionalProperties: { type: 'string' },
        examples: [{ name: 'is required' }],
      }),
    }),
  },
  MALFORMED_JSON: { meaning: 'The body cannot be parsed', text: 'The body is not valid JSON' },
  AMBIGUOUS_CREDENTIALS: {
    meaning: 'Two different credentials in one request',
    text: 'The request carries two different credentials',
  },
  BUDGET_DECREASE_REQUEST: {
    meaning: 'The requested allocation is not above the present one',
    text: 'The requested allocation is not above the present one',
    details: allocation,
  },
  APPROVAL_DECREASES_BUDGET: {
    meaning: 'The approved allocation is not above the present one',
    text: 'The approved allocation is not above the present one',
    details: allocation,
  },
  INVALID_PROVIDER_ID: {
    meaning: 'Some providers do not exist',
    text: 'Some providers do not exist',
    details: shape({ missing: list(id('prov')) }),
  },
  BUDGET_DECREASE_REQUIRES_CONFIRMATION: {
    meaning: 'Lowering an allocation needs `force: true`',
    text: 'Lowering an allocation must be confirmed',
    details: shape({
      allocated_usd: dollars(100),
      requested_allocated_usd: dollars(50),
      spent_usd: dollars(4.5),
      reserved_usd: dollars(20),
      remaining_after_usd: dollars(25.5),
      leases_to_revoke: list(id('lease')),
    }),
  },
  UNAUTHORIZED: { meaning: 'No credential, an unknown one, or a failed login', text: 'Authentication required' },
  TOKEN_EXPIRED: {
    meaning: 'The credential was valid and is past its expiry',
    text: 'The credential has expired',
    details: shape({ expired_at: time() }),
    mayLackDetails: true,
  },
  TOKEN_REVOKED: {
    meaning: 'The credential was valid and has been revoked, replaced or reused',
    text: 'The credential has been ended',
  },
  FORBIDDEN: { meaning: 'Role, scopes or kind of credential do not allow this', text: 'Not allowed' },
  PASSWORD_CHANGE_REQUIRED: {
    meaning: 'The session may only change its password first',
    text: 'The password must be changed first',
  },
  ACCOUNT_SUSPENDED: { meaning: "The user, or the agent's owner, is suspended", text: 'The account is suspended' },
  ACCOUNT_LOCKED: {
    meaning: 'Too many failed logins',
    text: 'The account is locked',
    details: shape({ ...retryAfter, locked_until: time() }),
  },
  IP_NOT_ALLOWED: {
    meaning: 'The API token is used from an address outside its list',
    text: 'The address is not allowed',
  },
  SELF_MODIFICATION_FORBIDDEN: {
    meaning: 'Users cannot suspend, delete or change the role of themselves',
    text: 'This cannot be done to oneself',
  },
  SELF_APPROVAL_FORBIDDEN: {
    meaning: 'Requesters cannot approve their own budget request',
    text: 'The own request cannot be approved',
  },
  BUDGET_EXCEEDED: {
    meaning: 'The agent has nothing left to grant',
    text: 'Budget exceeded',
    details: shape({
      spent: dollars(4.5),
      limit: dollars(100),
      reserved: optional(dollars(95.5)),
      requested: optional(dollars(200)),
    }),
  },
  LIMIT_EXCEEDED: {
    meaning: 'A usage limit of the owner is used up',
    text: 'Limit exceeded',
    details: exceededShape,
  },
  AGENT_STOPPED: {
    meaning: 'The agent has been told to stop',
    text: 'The agent has been told to stop',
    details: shape({ reason: shown('Runs away with the budget') }),
    mayLackDetails: true,
  },
  NO_PROVIDER_ASSIGNED: { meaning: 'The agent has no provider', text: 'The agent has no provider' },
  PROVIDER_NOT_ASSIGNED: {
    meaning: 'The agent does not have the named provider',
    text: 'The agent does not have this provider',
  },
  PROVIDER_DISABLED: {
    meaning: 'The provider is switched off',
    text: 'The provider is disabled',
    details: provider,
    mayLackDetails: true,
  },
  NO_ACTIVE_KEY: {
    meaning: 'The provider has no active key',
    text: 'The provider has no active key',
    details: provider,
    mayLackDetails: true,
  },
  ORIGIN_NOT_ALLOWED: { meaning: 'A WebSocket from a foreign origin', text: 'The origin is not allowed' },
  NOT_FOUND: { meaning: 'No such route', text: 'Not found' },
  USER_NOT_FOUND: NOT_THERE,
  SESSION_NOT_FOUND: NOT_THERE,
  TOKEN_NOT_FOUND: NOT_THERE,
  AGENT_NOT_FOUND: NOT_THERE,
  LEASE_NOT_FOUND: NOT_THERE,
  PROVIDER_NOT_FOUND: NOT_THERE,
  ASSIGNMENT_NOT_FOUND: NOT_THERE,
  KEY_NOT_FOUND: NOT_THERE,
  LIMIT_NOT_FOUND: NOT_THERE,
  BUDGET_REQUEST_NOT_FOUND: NOT_THERE,
  REQUEST_NOT_FOUND: NOT_THERE,
  TRACE_NOT_FOUND: NOT_THERE,
  AUDIT_ENTRY_NOT_FOUND: NOT_THERE,
  METHOD_NOT_ALLOWED: { meaning: 'The path exists, the method does not; see `Allow`', text: 'Method not allowed' },
  IDEMPOTENCY_CONFLICT: {
    meaning: 'An idempotency key or request id was used with another payload',
    text: 'The key was used with another payload',
  },
  DUPLICATE_USERNAME: { meaning: 'The user name is taken', text: 'This user name is taken', details: existing },
  DUPLICATE_EMAIL: { meaning: 'The e-mail is taken', text: 'This e-mail is taken', details: existing },
  PROVIDER_EXISTS: {
    meaning: 'There is a provider of this name',
    text: 'There is a provider of this name',
    details: existing,
    mayLackDetails: true,
  },
  PROVIDER_KEY_EXISTS: {
    meaning: 'The provider has an active key: rotate it',
    text: 'The provider has an active key: rotate it',
    details: existing,
  },
  DUPLICATE_LIMIT: {
    meaning: 'There is a limit for this user and label',
    text: 'There is a limit for this owner and label',
    details: existing,
  },
  IC_TOKEN_EXISTS: {
    meaning: 'The agent has an IC token: regenerate it',
    text: 'The agent has an IC token: regenerate it',
    details: existing,
  },
  USER_ALREADY_SUSPENDED: { meaning: 'The user is suspended already', text: 'The user is suspended already' },
  USER_ALREADY_ACTIVE: { meaning: 'The user is active already', text: 'The user is active already' },
  LAST_ADMIN: { meaning: 'No active admin would be left', text: 'No active admin would be left' },
  TOKEN_ALREADY_REVOKED: {
    meaning: 'The API token is revoked',
    text: 'The API token is revoked',
    details: shape({ revoked_at: time() }),
  },
  TOKEN_NOT_ACTIVE: { meaning: 'The API token is past its expiry', text: 'The API token has expired' },
  TOKEN_LIMIT_EXCEEDED: {
    meaning: 'The owner has as many active API tokens as allowed',
    text: 'The owner has as many active API tokens as allowed',
    details: maximum,
  },
  AGENT_ARCHIVED: { meaning: 'Archived agents cannot be changed', text: 'The agent is archived' },
  KEY_NOT_ACTIVE: { meaning: 'The provider key is retired already', text: 'The key is not active' },
  LEASE_NOT_ACTIVE: {
    meaning: 'The lease can no longer be refreshed or revoked',
    text: 'The lease is not active',
    details: shape({
      lease_id: id('lease'),
      status: usuallyAs('closed', leaseStatus),
      superseded_by: optional({ ...id('lease'), examples: [] }),
    }),
  },
  LEASE_CAP_REACHED: { meaning: 'Too many open leases', text: 'Too many open leases', details: maximum },
  BUDGET_BELOW_SPENT: {
    meaning: 'Lowering an allocation below money already spent',
    text: 'The allocation is below what was spent',
    details: shape({ allocated_usd: dollars(100), spent_usd: dollars(4.5) }),
  },
  CONFLICT: {
    meaning: '`expected_version` is not the present version',
    text: 'The allocation was changed meanwhile',
    details: shape({ allocation_version: whole(2), allocated_usd: dollars(100) }),
  },
  ADJUSTMENT_TOO_LARGE: {
    meaning: 'A credit above what was spent',
    text: 'The credit is above what was spent',
    details: shape({ spent_usd: dollars(4.5) }),
  },
  REQUEST_ALREADY_REVIEWED: {
    meaning: 'The budget request is no longer pending',
    text: 'The request is no longer pending',
    details: shape({
      status: usuallyAs('approved', budgetRequestStatus),
      reviewed_by: nullable(shown('user_0199c2f0-5a00-7000-8000-000000000001')),
      reviewed_at: nullable(time()),
    }),
  },
  CURSOR_EXPIRED: {
    meaning: 'The cursor is older than what is kept',
    text: 'The cursor is older than what is kept',
    details: shape({ oldest_cursor: usuallyNull(nullable(shown('4711'))) }),
  },
  PAYLOAD_TOO_LARGE: {
    meaning: 'The body is above the limit',
    text: 'The body is too large',
    details: shape({ max_bytes: whole(65_536) }),
  },
  UNSUPPORTED_MEDIA_TYPE: { meaning: 'The body is not JSON', text: 'The body must be application/json' },
  UPGRADE_REQUIRED: { meaning: 'A plain GET on the path of the WebSocket', text: 'This is a WebSocket' },
  RATE_LIMIT_EXCEEDED: {
    meaning: 'Too many requests or connections',
    text: 'Too many requests',
    details: shape(retryAfter),
  },
  HEADERS_TOO_LARGE: { meaning: 'The header block is above 16 KiB', text: 'The headers are too large' },
  INTERNAL_ERROR: { meaning: 'An error of the server', text: 'Internal server error', details: ofServer },
  SERVICE_UNAVAILABLE: {
    meaning: 'The server is starting or stopping, or cannot reach what it needs',
    text: 'Service unavailable',
    details: shape({
      ...request,
      checks: optional({
        ...shape({ database: check, migrations: check, vault: check, events: check, ledger: check }),
        examples: [],
      }),
      // Of a process whose clock is too far from the database's; behind it, negative.
      clock_ahead_ms: optional({ type: 'integer', examples: [] }),
      clock_ahead_max_ms: optional({ type: 'integer', examples: [] }),
    }),
  },
  CRYPTO_UNAVAILABLE: {
    meaning: 'The provider key cannot be unsealed',
    text: 'The provider key cannot be unsealed',
    details: ofServer,
  },
  QUERY_TIMEOUT: { meaning: 'The query took longer than 30 s', text: 'The query took too long', details: ofServer },
}

/** The codes, as the table has them. */
export const ERROR_CODE_NAMES = Object.keys(ERROR_CODES) as readonly ApiErrorCode[]
