import { defineRoute } from '../../src/http/route.ts'
import {
  array,
  id,
  object,
  oneOf,
  optional,
  page,
  text,
  time,
  Type,
  usdAmount,
  usdCost,
} from '../../src/http/schemas.ts'

const agentParam = { id: { prefix: 'agent', notFound: 'AGENT_NOT_FOUND' } } as const
const plain = { rateLimit: 'read', audit: [], summary: 'A route of the test', answers: { 200: null } } as const

/** Routes that show what the pipeline hands to a handler, and handlers that go wrong. */
export const fakeRoutes = [
  defineRoute({
    ...plain,
    method: 'GET',
    path: '/open',
    auth: 'public',
    atRoot: true,
    handler: async ({ context }) => ({ body: { ip: context.ip } }),
  }),
  defineRoute({
    ...plain,
    method: 'GET',
    path: '/things',
    auth: 'user',
    permission: 'agents:read',
    query: object({
      ...page,
      state: optional(oneOf('on', 'off')),
      threshold: optional(Type.Number({ minimum: 0, maximum: 100 })),
      archived: optional(Type.Boolean()),
      search: optional(text({ max: 20 })),
    }),
    handler: async ({ query, scope }) => ({ body: { query, scope } }),
  }),
  defineRoute({
    ...plain,
    method: 'POST',
    path: '/things',
    auth: 'user',
    permission: 'users:manage',
    idempotency: 'stored',
    query: object({ ...page }),
    body: object({
      name: text({ max: 5 }),
      notes: optional(text({ max: 10, multiline: true })),
      tags: optional(array(text({ max: 5 }), { maxItems: 2 })),
      parts: optional(array(object({ cost_usd: usdCost() }))),
      amount_usd: optional(usdAmount()),
      agent_id: optional(id('agent')),
      at: optional(time()),
      attributes: optional(Type.Record(Type.String(), Type.Unknown())),
    }),
    handler: async ({ body }) => ({ status: 201, body, headers: { Location: '/api/v1/things/1' } }),
  }),
  defineRoute({
    ...plain,
    method: 'PATCH',
    path: '/agents/{id}',
    auth: 'user',
    permission: 'agents:write',
    params: agentParam,
    agentParam: 'id',
    body: Type.Object({ name: optional(text({ max: 5 })) }, { additionalProperties: false, minProperties: 1 }),
    handler: async ({ params }) => ({ body: params }),
  }),
  defineRoute({
    ...plain,
    method: 'POST',
    path: '/agents/{id}/beat',
    auth: 'agent',
    agentPermission: 'llm:call',
    params: agentParam,
    agentParam: 'id',
    handler: async ({ body }) => ({ body }),
  }),
  defineRoute({
    ...plain,
    method: 'POST',
    path: '/traces',
    auth: 'agent',
    agentPermission: 'analytics:write',
    handler: async () => ({ body: {} }),
  }),
  defineRoute({
    ...plain,
    method: 'GET',
    path: '/while-pending',
    auth: 'user',
    whilePasswordChangePending: true,
    handler: async () => ({ body: {} }),
  }),
  defineRoute({
    ...plain,
    method: 'GET',
    path: '/fails/{how}',
    auth: 'public',
    handler: async ({ params }) => {
      switch (params['how']) {
        case 'number':
          return { body: { amount: 1n } }
        case 'header':
          return { body: {}, headers: { Location: 'a\r\nSet-Cookie: b' } }
        case 'text':
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- libraries do
          throw 'a secret text'
        case 'prototype':
          throw Object.assign(new Error('x'), { code: 'constructor' })
        default:
          throw Object.assign(new Error(`SELECT secret FROM users at /srv/app.ts`), { code: params['how'] })
      }
    },
  }),
]
