import { deletedProviderAnswer, deletedProviderShape, providerAnswer, providerShape } from '../answers/provider.ts'
import { pageOfShape } from '../answers/list.ts'
import { notFound } from '../http/handle.ts'
import { actorOf } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { array, changes, object, oneOf, optional, page, ruled, sort, text } from '../http/schemas.ts'
import { pagedAnswer, pageOf } from './lists.ts'

export const providerParam = { id: { prefix: 'prov', notFound: 'PROVIDER_NOT_FOUND' } } as const
const providerName = text({ max: 50, rule: 'providerName' })
const baseUrl = ruled('baseUrl')
const models = array(text({ max: 255 }), { minItems: 1, maxItems: 100 })

export const providerRoutes = [
  defineRoute({
    method: 'POST',
    path: '/providers',
    auth: 'user',
    permission: 'providers:manage',
    rateLimit: 'write',
    audit: ['PROVIDER_CREATED'],
    idempotency: 'stored',
    summary: 'Add a provider',
    body: object({
      name: providerName,
      kind: oneOf('openai', 'anthropic', 'google', 'azure_openai', 'custom'),
      base_url: baseUrl,
      models,
    }),
    example: {
      name: 'openai-main',
      kind: 'openai',
      base_url: 'https://api.openai.com/v1',
      models: ['demo-large'],
    },
    answers: { 201: providerShape },
    errors: ['PROVIDER_EXISTS'],
    handler: async ({ services, body, principal, context, tx }) => {
      const { name, kind, base_url: url, models: names } = body
      const provider = await services.providers.create(
        { name, kind, baseUrl: url, models: names },
        actorOf(principal, context),
        { tx },
      )
      return { status: 201, body: providerAnswer(provider), headers: { Location: `/api/v1/providers/${provider.id}` } }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/providers',
    auth: 'user',
    permission: 'providers:read',
    rateLimit: 'read',
    audit: [],
    summary: 'List providers',
    query: object({
      ...page,
      ...sort('name', 'created_at'),
      name: optional(text({ min: 0, max: 255 })),
      status: optional(oneOf('active', 'disabled')),
    }),
    answers: { 200: pageOfShape(providerShape) },
    handler: async ({ services, query }) => {
      const { name, status, ...rest } = query
      return {
        body: pagedAnswer(
          await services.providers.list({ name, status }, pageOf({ sort: 'name', ...rest })),
          providerAnswer,
        ),
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/providers/{id}',
    auth: 'user',
    permission: 'providers:read',
    rateLimit: 'read',
    audit: [],
    params: providerParam,
    summary: 'Get a provider',
    answers: { 200: providerShape },
    handler: async ({ services, params }) => {
      const provider = await services.providers.get(params['id'] ?? '')
      if (provider === undefined) throw notFound('PROVIDER_NOT_FOUND')
      return { body: providerAnswer(provider) }
    },
  }),
  defineRoute({
    method: 'PATCH',
    path: '/providers/{id}',
    auth: 'user',
    permission: 'providers:manage',
    rateLimit: 'write',
    audit: ['PROVIDER_UPDATED'],
    params: providerParam,
    summary: 'Change a provider',
    body: changes({
      name: optional(providerName),
      base_url: optional(baseUrl),
      models: optional(models),
      status: optional(oneOf('active', 'disabled')),
    }),
    example: { status: 'disabled' },
    answers: { 200: providerShape },
    errors: ['PROVIDER_EXISTS'],
    handler: async ({ services, params, body, principal, context }) => {
      const { name, base_url: url, models: names, status } = body
      const change = { name, baseUrl: url, models: names, status }
      return {
        body: providerAnswer(await services.providers.update(params['id'] ?? '', change, actorOf(principal, context))),
      }
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/providers/{id}',
    auth: 'user',
    permission: 'providers:manage',
    rateLimit: 'write',
    audit: ['PROVIDER_DELETED'],
    params: providerParam,
    summary: 'Delete a provider with its keys and remove it from every agent',
    answers: { 200: deletedProviderShape },
    handler: async ({ services, params, principal, context }) => {
      const deleted = await services.agents.deleteProvider(params['id'] ?? '', actorOf(principal, context))
      return { body: deletedProviderAnswer(deleted) }
    },
  }),
]
