import type { ReadTx } from '@iron/database'
import type { Call } from '@iron/journal'
import { requestAnswer, requestShape } from '../answers/request.ts'
import { logOfShape } from '../answers/list.ts'
import { notFound } from '../http/handle.ts'
import { hidesDetails } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { cursor, object } from '../http/schemas.ts'
import type { Services } from '../services.ts'
import { timeRange, timesOf } from './audit-filter.ts'
import { cursorOf, logAnswer } from './lists.ts'
import { callFilterFields, callScopeOf } from './period.ts'
import { maySee } from './scope.ts'

const readRequests = { auth: 'user', permission: 'metrics:read', rateLimit: 'read', audit: [] } as const

export const requestRoutes = [
  defineRoute({
    ...readRequests,
    method: 'GET',
    path: '/requests',
    summary: 'List LLM calls',
    query: object({ ...cursor, ...timeRange, ...callFilterFields }),
    answers: { 200: logOfShape(requestShape) },
    errors: ['CURSOR_EXPIRED'],
    handler: async ({ services, query, principal, scope }) => {
      const filter = { ...callScopeOf(query, { principal, scope }), ...timesOf(query) }
      const page = await services.requests.list(filter, cursorOf(query))
      return { body: logAnswer(page, (call) => requestAnswer(call, hidesDetails(principal))) }
    },
  }),
  defineRoute({
    ...readRequests,
    method: 'GET',
    path: '/requests/{id}',
    params: { id: { prefix: 'req', notFound: 'REQUEST_NOT_FOUND' } },
    summary: 'Get an LLM call',
    answers: { 200: requestShape },
    handler: async ({ services, params, principal }) =>
      services.database.read(async (tx) => {
        const call = await services.requests.get(params['id'] ?? '', { tx })
        if (call === undefined || !maySee(principal, 'metrics:read', await ownerOf(services, call, tx))) {
          throw notFound('REQUEST_NOT_FOUND')
        }
        return { body: requestAnswer(call, hidesDetails(principal)) }
      }),
  }),
]

/** Who owns the agent or the API token of a call now. */
async function ownerOf(
  { budgets, tokens }: Pick<Services, 'budgets' | 'tokens'>,
  { agentId, tokenId }: Call,
  tx: ReadTx,
): Promise<string | null> {
  if (agentId !== null) return (await budgets.get(agentId, { tx }))?.ownerId ?? null
  return tokenId === null ? null : ((await tokens.getToken(tokenId, { tx }))?.ownerId ?? null)
}
