import { auditEntryAnswer, auditEntryShape, auditVerificationAnswer, auditVerificationShape } from '../answers/audit.ts'
import { logOfShape } from '../answers/list.ts'
import { validationError } from '../http/errors.ts'
import { notFound } from '../http/handle.ts'
import { defineRoute } from '../http/route.ts'
import { count, cursor, object, optional, text, visibleAscii } from '../http/schemas.ts'
import { operation, timeRange, timesOf } from './audit-filter.ts'
import { cursorOf, logAnswer } from './lists.ts'

const readAudit = { auth: 'user', permission: 'audit:read', audit: [] } as const
/** How long a verification may take, in milliseconds (http-api 7). */
const VERIFY_TIMEOUT_MS = 30_000
const HASH = /^[0-9a-f]{64}$/

export const auditRoutes = [
  defineRoute({
    ...readAudit,
    method: 'GET',
    path: '/audit',
    rateLimit: 'read',
    summary: 'List the audit log',
    query: object({
      ...cursor,
      ...timeRange,
      operation: optional(operation),
      resource_type: optional(text({ max: 64 })),
      resource_id: optional(text({ max: 255 })),
      actor_id: optional(text({ max: 255 })),
    }),
    answers: { 200: logOfShape(auditEntryShape) },
    handler: async ({ services, query }) => {
      const { resource_type: resourceType, resource_id: resourceId, actor_id: actorId } = query
      const filter = { operation: query.operation, resourceType, resourceId, actorId, ...timesOf(query) }
      return { body: logAnswer(await services.audit.list(filter, cursorOf(query)), auditEntryAnswer) }
    },
  }),
  defineRoute({
    ...readAudit,
    method: 'GET',
    path: '/audit/verify',
    rateLimit: 'analytics',
    summary: 'Recompute the hash chain and compare it with a head kept elsewhere, if given',
    query: object({ head_seq: optional(count()), head_hash: optional(visibleAscii(64)) }),
    answers: { 200: auditVerificationShape },
    handler: async ({ services, query }) => {
      const expect = expectedHead(query)
      const verification = await services.audit.verify({ expect, timeoutMs: VERIFY_TIMEOUT_MS })
      return { body: auditVerificationAnswer(verification) }
    },
  }),
  defineRoute({
    ...readAudit,
    method: 'GET',
    path: '/audit/{id}',
    rateLimit: 'read',
    params: { id: { prefix: 'aud', notFound: 'AUDIT_ENTRY_NOT_FOUND' } },
    summary: 'Get an entry of the audit log',
    answers: { 200: auditEntryShape },
    handler: async ({ services, params }) => {
      const entry = await services.audit.get(params['id'] ?? '')
      if (entry === undefined) throw notFound('AUDIT_ENTRY_NOT_FOUND')
      return { body: auditEntryAnswer(entry) }
    },
  }),
]

/** A head is a number and a hash: one without the other proves nothing. */
function expectedHead(query: { readonly head_seq?: number; readonly head_hash?: string }) {
  const { head_seq: seq, head_hash: hash } = query
  if (seq === undefined && hash === undefined) return undefined
  if (seq === undefined) throw validationError({ 'query.head_seq': 'is required with head_hash' })
  if (hash === undefined) throw validationError({ 'query.head_hash': 'is required with head_seq' })
  if (!HASH.test(hash)) throw validationError({ 'query.head_hash': 'must be 64 lower-case hexadecimal digits' })
  return { seq, hash }
}
