import { deletedProviderAnswer, keyAnswer, providerAnswer } from '../answers/provider.ts'
import { notFound } from '../http/handle.ts'
import { actorOf } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { array, changes, id, object, oneOf, optional, page, sort, text, Type, visibleAscii } from '../http/schemas.ts'
import { pagedAnswer, pageOf } from './lists.ts'

const providerParam = { id: { prefix: 'prov', notFound: 'PROVIDER_NOT_FOUND' } } as const
const keyParam = { id: { prefix: 'key', notFound: 'KEY_NOT_FOUND' } } as const
const newKey = object({ api_key: visibleAscii(500) })
const baseUrl = Type.String({ minLength: 1, maxLength: 2_000 })
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
      name: text({ max: 50 }),
      kind: oneOf('openai', 'anthropic', 'google', 'azure_openai', 'custom'),
      base_url: baseUrl,
      models,
    }),
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
    summary: 'One provider',
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
      name: optional(text({ max: 50 })),
      base_url: optional(baseUrl),
      models: optional(models),
      status: optional(oneOf('active', 'disabled')),
    }),
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
    summary: 'Delete a provider with its keys and take it from every agent',
    handler: async ({ services, params, principal, context }) => {
      const deleted = await services.agents.deleteProvider(params['id'] ?? '', actorOf(principal, context))
      return { body: deletedProviderAnswer(deleted) }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/providers/{id}/keys',
    auth: 'user',
    permission: 'providers:manage',
    rateLimit: 'secret',
    audit: ['PROVIDER_KEY_ADDED'],
    idempotency: 'stored',
    params: providerParam,
    summary: "Store a provider's key; it is never shown again",
    body: newKey,
    handler: async ({ services, params, body, principal, context, tx }) => {
      const key = await services.keys.add(params['id'] ?? '', body.api_key, actorOf(principal, context), { tx })
      return { status: 201, body: keyAnswer(key), headers: { Location: `/api/v1/keys/${key.id}` } }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/providers/{id}/keys/rotate',
    auth: 'user',
    permission: 'providers:manage',
    rateLimit: 'secret',
    audit: ['PROVIDER_KEY_ROTATED'],
    idempotency: 'stored',
    params: providerParam,
    summary: "Replace a provider's key",
    body: newKey,
    handler: async ({ services, params, body, principal, context, tx }) => {
      const rotated = await services.keys.rotate(params['id'] ?? '', body.api_key, actorOf(principal, context), { tx })
      return { body: { ...keyAnswer(rotated.key), retired_key_id: rotated.retiredKeyId } }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/providers/{id}/keys',
    auth: 'user',
    permission: 'providers:manage',
    rateLimit: 'read',
    audit: [],
    params: providerParam,
    summary: "List a provider's keys",
    query: object({ ...page, ...sort('created_at', 'last_used_at'), status: optional(oneOf('active', 'retired')) }),
    handler: async ({ services, params, query }) => {
      const providerId = params['id'] ?? ''
      if ((await services.providers.get(providerId)) === undefined) throw notFound('PROVIDER_NOT_FOUND')
      const { status, ...rest } = query
      return { body: pagedAnswer(await services.keys.list({ providerId, status }, pageOf(rest)), keyAnswer) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/keys',
    auth: 'user',
    permission: 'providers:manage',
    rateLimit: 'read',
    audit: [],
    summary: 'List provider keys',
    query: object({
      ...page,
      ...sort('created_at', 'last_used_at'),
      provider_id: optional(id('prov')),
      status: optional(oneOf('active', 'retired')),
    }),
    handler: async ({ services, query }) => {
      const { provider_id: providerId, status, ...rest } = query
      return { body: pagedAnswer(await services.keys.list({ providerId, status }, pageOf(rest)), keyAnswer) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/keys/{id}',
    auth: 'user',
    permission: 'providers:manage',
    rateLimit: 'read',
    audit: [],
    params: keyParam,
    summary: 'One provider key, masked',
    handler: async ({ services, params }) => {
      const key = await services.keys.get(params['id'] ?? '')
      if (key === undefined) throw notFound('KEY_NOT_FOUND')
      return { body: keyAnswer(key) }
    },
  }),
  defineRoute({
    method: 'PUT',
    path: '/keys/{id}/retire',
    auth: 'user',
    permission: 'providers:manage',
    rateLimit: 'write',
    audit: ['PROVIDER_KEY_RETIRED'],
    params: keyParam,
    summary: 'Retire a provider key',
    handler: async ({ services, params, principal, context }) => ({
      body: keyAnswer(await services.keys.retire(params['id'] ?? '', actorOf(principal, context))),
    }),
  }),
]
