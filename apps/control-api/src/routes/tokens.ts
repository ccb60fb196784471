import { PERMISSIONS } from '@iron/rbac'
import { apiTokenAnswer, apiTokenShape, apiTokenWithSecretShape, apiTokenWithUsageShape } from '../answers/api-token.ts'
import { usageTotalsAnswer } from '../answers/usage.ts'
import { pageOfShape } from '../answers/list.ts'
import { notFound } from '../http/handle.ts'
import { actorOf, forbidden } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import {
  array,
  changes,
  id,
  nullable,
  object,
  oneOf,
  optional,
  page,
  ruled,
  sort,
  text,
  time,
  Type,
} from '../http/schemas.ts'
import { emptyAnswer, pagedAnswer, pageOf } from './lists.ts'
import { maySee, ownerFilter, ownOnly } from './scope.ts'

const tokenParam = { id: { prefix: 'tok', notFound: 'TOKEN_NOT_FOUND' } } as const
/** Most addresses or networks a token is bound to (http-api 4.3). */
const ALLOWED_IPS_MAX = 50
/** Longest grace of a replaced secret: a week, in seconds (http-api 4.3). */
const GRACE_SECONDS_MAX = 604_800

const name = text({ max: 100 })
const description = text({ min: 0, max: 500, multiline: true })
const scopes = array(oneOf(...PERMISSIONS), { minItems: 1, maxItems: PERMISSIONS.length })
const allowedIps = array(ruled('addressRange'), { maxItems: ALLOWED_IPS_MAX })
const projectId = text({ max: 100 })

const write = { permission: 'tokens:write' } as const

export const tokenRoutes = [
  defineRoute({
    ...write,
    method: 'POST',
    path: '/tokens',
    auth: 'session',
    rateLimit: 'secret',
    audit: ['API_TOKEN_CREATED'],
    idempotency: 'stored',
    secrets: ['token'],
    summary: 'Issue an API token; its secret is shown only here',
    body: object({
      name,
      description: optional(description),
      scopes: optional(scopes),
      expires_at: optional(time()),
      project_id: optional(projectId),
      allowed_ips: optional(allowedIps),
      user_id: optional(id('user')),
    }),
    example: { name: 'nightly export', scopes: ['metrics:read'] },
    answers: { 201: apiTokenWithSecretShape },
    errors: ['USER_NOT_FOUND', 'TOKEN_LIMIT_EXCEEDED'],
    handler: async ({ services, body, principal, context, scope, tx }) => {
      const ownerId = body.user_id ?? principal.userId
      if (ownerId !== principal.userId && scope !== 'any') throw forbidden()
      const { secret, token } = await services.tokens.issueToken(ownerId, body.name, actorOf(principal, context), {
        description: body.description,
        scopes: body.scopes,
        expiresAt: timeOf(body.expires_at),
        projectId: body.project_id,
        allowedIps: body.allowed_ips,
        tx,
      })
      return {
        status: 201,
        body: { ...apiTokenAnswer(token), token: secret },
        headers: { Location: `/api/v1/tokens/${token.id}` },
      }
    },
  }),
  defineRoute({
    ...write,
    method: 'GET',
    path: '/tokens',
    auth: 'user',
    rateLimit: 'read',
    audit: [],
    summary: 'List API tokens',
    query: object({
      ...page,
      ...sort('created_at', 'name', 'last_used_at', 'expires_at'),
      user_id: optional(id('user')),
      status: optional(oneOf('active', 'expired', 'revoked')),
      name: optional(text({ min: 0, max: 255 })),
      project_id: optional(text({ min: 0, max: 100 })),
    }),
    answers: { 200: pageOfShape(apiTokenShape) },
    handler: async ({ services, query, principal, scope }) => {
      const { user_id: userId, project_id: project, status, name: part, ...rest } = query
      const window = pageOf(rest)
      const owned = ownerFilter({ principal, scope }, userId)
      if (owned === undefined) return { body: emptyAnswer(window) }
      const tokens = await services.tokens.listTokens({ ...owned, projectId: project, status, name: part }, window)
      return { body: pagedAnswer(tokens, apiTokenAnswer) }
    },
  }),
  defineRoute({
    ...write,
    method: 'GET',
    path: '/tokens/{id}',
    auth: 'user',
    rateLimit: 'read',
    audit: [],
    params: tokenParam,
    summary: 'Get an API token and its usage',
    answers: { 200: apiTokenWithUsageShape },
    handler: async ({ services, params, principal }) => {
      const token = await services.tokens.getToken(params['id'] ?? '')
      if (token === undefined || !maySee(principal, 'tokens:write', token.ownerId)) throw notFound('TOKEN_NOT_FOUND')
      return { body: { ...apiTokenAnswer(token), usage: usageTotalsAnswer(token.usage) } }
    },
  }),
  defineRoute({
    ...write,
    method: 'PATCH',
    path: '/tokens/{id}',
    auth: 'session',
    rateLimit: 'write',
    audit: ['API_TOKEN_UPDATED'],
    params: tokenParam,
    summary: 'Change an API token',
    body: changes({
      name: optional(name),
      description: optional(nullable(description)),
      scopes: optional(Type.Union([scopes, Type.Null()])),
      allowed_ips: optional(allowedIps),
      expires_at: optional(nullable(time())),
    }),
    example: { allowed_ips: ['192.0.2.0/24'] },
    answers: { 200: apiTokenShape },
    errors: ['TOKEN_ALREADY_REVOKED'],
    handler: async ({ services, params, body, principal, context, scope }) => {
      const { allowed_ips: ips, expires_at: expiresAt, ...rest } = body
      const change = { ...rest, allowedIps: ips, expiresAt: expiresAt === null ? null : timeOf(expiresAt) }
      const options = { ownerId: ownOnly({ principal, scope }) }
      const actor = actorOf(principal, context)
      return { body: apiTokenAnswer(await services.tokens.updateToken(params['id'] ?? '', change, actor, options)) }
    },
  }),
  defineRoute({
    ...write,
    method: 'POST',
    path: '/tokens/{id}/rotate',
    auth: 'session',
    rateLimit: 'secret',
    audit: ['API_TOKEN_ROTATED'],
    idempotency: 'stored',
    secrets: ['token'],
    params: tokenParam,
    summary: 'Replace the secret; the old one works until the grace period ends',
    body: object({ grace_seconds: optional(Type.Integer({ minimum: 0, maximum: GRACE_SECONDS_MAX })) }),
    example: { grace_seconds: 3_600 },
    answers: { 200: apiTokenWithSecretShape },
    errors: ['TOKEN_ALREADY_REVOKED', 'TOKEN_NOT_ACTIVE'],
    handler: async ({ services, params, body, principal, context, scope, tx }) => {
      const { secret, token } = await services.tokens.rotateToken(params['id'] ?? '', actorOf(principal, context), {
        graceMs: body.grace_seconds === undefined ? undefined : body.grace_seconds * 1_000,
        ownerId: ownOnly({ principal, scope }),
        tx,
      })
      return { body: { ...apiTokenAnswer(token), token: secret } }
    },
  }),
  defineRoute({
    ...write,
    method: 'DELETE',
    path: '/tokens/{id}',
    auth: 'user',
    rateLimit: 'write',
    audit: ['API_TOKEN_REVOKED'],
    params: tokenParam,
    summary: 'Revoke an API token permanently',
    answers: { 200: apiTokenShape },
    errors: ['TOKEN_ALREADY_REVOKED'],
    handler: async ({ services, params, principal, context, scope }) => {
      const options = { ownerId: ownOnly({ principal, scope }) }
      const token = await services.tokens.revokeToken(params['id'] ?? '', actorOf(principal, context), options)
      return { body: apiTokenAnswer(token) }
    },
  }),
]

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text)
}
