import { keyAnswer, keyShape, rotatedKeyShape } from '../answers/provider.ts'
import { pageOfShape } from '../answers/list.ts'
import { notFound } from '../http/handle.ts'
import { actorOf } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { id, object, oneOf, optional, page, secret, sort, visibleAscii } from '../http/schemas.ts'
import { pagedAnswer, pageOf } from './lists.ts'
import { providerParam } from './providers.ts'

const keyParam = { id: { prefix: 'key', notFound: 'KEY_NOT_FOUND' } } as const
const newKey = object({ api_key: secret(visibleAscii(500)) })
const manage = { auth: 'user', permission: 'providers:manage' } as const

export const providerKeyRoutes = [
  defineRoute({
    ...manage,
    method: 'POST',
    path: '/providers/{id}/keys',
    rateLimit: 'secret',
    audit: ['PROVIDER_KEY_ADDED'],
    idempotency: 'stored',
    params: providerParam,
    summary: "Store a provider's key; it is never shown again",
    body: newKey,
    example: { api_key: 'sk-demo-0123456789abcdef' },
    answers: { 201: keyShape },
    errors: ['PROVIDER_KEY_EXISTS', 'CRYPTO_UNAVAILABLE'],
    handler: async ({ services, params, body, principal, context, tx }) => {
      const key = await services.keys.add(params['id'] ?? '', body.api_key, actorOf(principal, context), { tx })
      return { status: 201, body: keyAnswer(key), headers: { Location: `/api/v1/keys/${key.id}` } }
    },
  }),
  defineRoute({
    ...manage,
    method: 'POST',
    path: '/providers/{id}/keys/rotate',
    rateLimit: 'secret',
    audit: ['PROVIDER_KEY_ROTATED'],
    idempotency: 'stored',
    params: providerParam,
    summary: "Replace a provider's key",
    body: newKey,
    example: { api_key: 'sk-demo-fedcba9876543210' },
    answers: { 200: rotatedKeyShape },
    errors: ['CRYPTO_UNAVAILABLE'],
    handler: async ({ services, params, body, principal, context, tx }) => {
      const rotated = await services.keys.rotate(params['id'] ?? '', body.api_key, actorOf(principal, context), { tx })
      return { body: { ...keyAnswer(rotated.key), retired_key_id: rotated.retiredKeyId } }
    },
  }),
  defineRoute({
    ...manage,
    method: 'GET',
    path: '/providers/{id}/keys',
    rateLimit: 'read',
    audit: [],
    params: providerParam,
    summary: "List a provider's keys",
    query: object({ ...page, ...sort('created_at', 'last_used_at'), status: optional(oneOf('active', 'retired')) }),
    answers: { 200: pageOfShape(keyShape) },
    handler: async ({ services, params, query }) => {
      const providerId = params['id'] ?? ''
      if ((await services.providers.get(providerId)) === undefined) throw notFound('PROVIDER_NOT_FOUND')
      const { status, ...rest } = query
      return { body: pagedAnswer(await services.keys.list({ providerId, status }, pageOf(rest)), keyAnswer) }
    },
  }),
  defineRoute({
    ...manage,
    method: 'GET',
    path: '/keys',
    rateLimit: 'read',
    audit: [],
    summary: 'List provider keys',
    query: object({
      ...page,
      ...sort('created_at', 'last_used_at'),
      provider_id: optional(id('prov')),
      status: optional(oneOf('active', 'retired')),
    }),
    answers: { 200: pageOfShape(keyShape) },
    handler: async ({ services, query }) => {
      const { provider_id: providerId, status, ...rest } = query
      return { body: pagedAnswer(await services.keys.list({ providerId, status }, pageOf(rest)), keyAnswer) }
    },
  }),
  defineRoute({
    ...manage,
    method: 'GET',
    path: '/keys/{id}',
    rateLimit: 'read',
    audit: [],
    params: keyParam,
    summary: 'Get a provider key, masked',
    answers: { 200: keyShape },
    handler: async ({ services, params }) => {
      const key = await services.keys.get(params['id'] ?? '')
      if (key === undefined) throw notFound('KEY_NOT_FOUND')
      return { body: keyAnswer(key) }
    },
  }),
  defineRoute({
    ...manage,
    method: 'PUT',
    path: '/keys/{id}/retire',
    rateLimit: 'write',
    audit: ['PROVIDER_KEY_RETIRED'],
    params: keyParam,
    summary: 'Retire a provider key',
    answers: { 200: keyShape },
    errors: ['KEY_NOT_ACTIVE'],
    handler: async ({ services, params, principal, context }) => ({
      body: keyAnswer(await services.keys.retire(params['id'] ?? '', actorOf(principal, context))),
    }),
  }),
]
