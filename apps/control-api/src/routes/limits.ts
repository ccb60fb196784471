import { usd } from '@iron/cost-calculator'
import type { LimitMaxima } from '@iron/token-manager'
import { limitAnswer, limitListShape, limitShape, rateStandingAnswer } from '../answers/limit.ts'
import { notFound } from '../http/handle.ts'
import { actorOf, type Person, principalId } from '../http/principal.ts'
import type { RateClass } from '../http/rate-classes.ts'
import { defineRoute } from '../http/route.ts'
import {
  changes,
  count,
  id,
  nullable,
  object,
  objectSettingOne,
  optional,
  page,
  sort,
  text,
  usdAmountOrZero,
} from '../http/schemas.ts'
import { emptyAnswer, pagedAnswer, pageOf } from './lists.ts'
import { maySee, ownerFilter } from './scope.ts'

const limitParam = { id: { prefix: 'lim', notFound: 'LIMIT_NOT_FOUND' } } as const
const maxima = {
  max_tokens_per_day: optional(nullable(count())),
  max_requests_per_minute: optional(nullable(count())),
  max_cost_per_month_usd: optional(nullable(usdAmountOrZero())),
}
const manage = { auth: 'user', permission: 'limits:manage', rateLimit: 'write' } as const

/** The classes that count a user's requests; a token reports usage besides. */
const CLASSES_OF_USERS: readonly RateClass[] = ['read', 'write', 'secret', 'analytics']
const CLASSES_OF_TOKENS: readonly RateClass[] = [...CLASSES_OF_USERS, 'report']

export const limitRoutes = [
  defineRoute({
    method: 'GET',
    path: '/limits',
    auth: 'user',
    permission: 'limits:read',
    rateLimit: 'read',
    leavesLimit: true,
    audit: [],
    summary: "List usage limits and the state of the caller's rate limits",
    query: object({
      ...page,
      ...sort('created_at'),
      user_id: optional(id('user')),
      project_id: optional(text({ max: 100 })),
    }),
    answers: { 200: limitListShape },
    handler: async ({ services, query, principal, scope }) => {
      const { user_id: userId, project_id: projectId, ...rest } = query
      const window = pageOf(rest)
      const owned = ownerFilter({ principal, scope }, userId)
      const listed =
        owned === undefined
          ? emptyAnswer(window)
          : pagedAnswer(await services.limits.list({ ...owned, projectId }, window), limitAnswer)
      const standings = await services.rateLimits.standings(classesOf(principal), principalId(principal))
      return { body: { ...listed, rate_limits: standings.map(rateStandingAnswer) } }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/limits/{id}',
    auth: 'user',
    permission: 'limits:read',
    rateLimit: 'read',
    audit: [],
    params: limitParam,
    summary: 'Get a usage limit',
    answers: { 200: limitShape },
    handler: async ({ services, params, principal }) => {
      const limit = await services.limits.get(params['id'] ?? '')
      if (limit === undefined || !maySee(principal, 'limits:read', limit.ownerId)) throw notFound('LIMIT_NOT_FOUND')
      return { body: limitAnswer(limit) }
    },
  }),
  defineRoute({
    ...manage,
    method: 'POST',
    path: '/limits',
    audit: ['LIMIT_CREATED'],
    idempotency: 'stored',
    summary: "Limit a user's usage, in total or for a project label",
    body: objectSettingOne(['max_tokens_per_day', 'max_requests_per_minute', 'max_cost_per_month_usd'], {
      user_id: id('user'),
      project_id: optional(text({ max: 100 })),
      ...maxima,
    }),
    example: { user_id: 'user_0199c2f0-5a00-7000-8000-000000000001', max_cost_per_month_usd: 500 },
    answers: { 201: limitShape },
    errors: ['USER_NOT_FOUND', 'DUPLICATE_LIMIT'],
    handler: async ({ services, body, principal, context, tx }) => {
      const subject = { ownerId: body.user_id, projectId: body.project_id }
      const limit = await services.limits.create({ ...subject, ...maximaOf(body) }, actorOf(principal, context), { tx })
      return { status: 201, body: limitAnswer(limit), headers: { Location: `/api/v1/limits/${limit.id}` } }
    },
  }),
  defineRoute({
    ...manage,
    method: 'PATCH',
    path: '/limits/{id}',
    audit: ['LIMIT_UPDATED'],
    params: limitParam,
    summary: 'Change the maxima of a usage limit; past usage stays counted',
    body: changes(maxima),
    example: { max_cost_per_month_usd: null, max_requests_per_minute: 60 },
    answers: { 200: limitShape },
    handler: async ({ services, params, body, principal, context }) => ({
      body: limitAnswer(await services.limits.update(params['id'] ?? '', maximaOf(body), actorOf(principal, context))),
    }),
  }),
  defineRoute({
    ...manage,
    method: 'DELETE',
    path: '/limits/{id}',
    audit: ['LIMIT_DELETED'],
    params: limitParam,
    summary: 'Delete a usage limit',
    answers: { 204: null },
    handler: async ({ services, params, principal, context }) => {
      await services.limits.delete(params['id'] ?? '', actorOf(principal, context))
      return { status: 204 }
    },
  }),
]

function classesOf(principal: Person): readonly RateClass[] {
  return principal.kind === 'api_token' ? CLASSES_OF_TOKENS : CLASSES_OF_USERS
}

interface WireMaxima {
  readonly max_tokens_per_day?: number | null
  readonly max_requests_per_minute?: number | null
  readonly max_cost_per_month_usd?: number | null
}

function maximaOf(body: WireMaxima): LimitMaxima {
  const cost = body.max_cost_per_month_usd
  return {
    maxTokensPerDay: body.max_tokens_per_day,
    maxRequestsPerMinute: body.max_requests_per_minute,
    maxCostPerMonth: typeof cost === 'number' ? usd(cost) : cost,
  }
}
