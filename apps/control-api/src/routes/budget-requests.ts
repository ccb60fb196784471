import { toUsd, usd } from '@iron/cost-calculator'
import { budgetAnswer } from '../answers/budget.ts'
import {
  approvedBudgetRequestShape,
  budgetRequestAnswer,
  budgetRequestShape,
  budgetRequestWithBudgetShape,
} from '../answers/budget-request.ts'
import { pageOfShape } from '../answers/list.ts'
import { notFound } from '../http/handle.ts'
import { actorOf } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { id, object, oneOf, optional, page, sort, text, usdAmount } from '../http/schemas.ts'
import { emptyAnswer, pagedAnswer, pageOf } from './lists.ts'
import { maySee, ownerFilter, ownOnly } from './scope.ts'

const requestParam = { id: { prefix: 'breq', notFound: 'BUDGET_REQUEST_NOT_FOUND' } } as const
const ask = { auth: 'user', permission: 'budgets:request' } as const
const review = { auth: 'user', permission: 'budgets:allocate', params: requestParam, rateLimit: 'write' } as const

/** Code points of texts (http-api 4.10). */
const JUSTIFICATION_MIN = 20
const JUSTIFICATION_MAX = 500
const NOTES_MAX = 1_000
const REJECTION_NOTES_MIN = 20

export const budgetRequestRoutes = [
  defineRoute({
    ...ask,
    method: 'POST',
    path: '/budget-requests',
    rateLimit: 'write',
    audit: ['BUDGET_REQUEST_CREATED'],
    idempotency: 'stored',
    summary: 'Request a higher allocation',
    body: object({
      agent_id: id('agent'),
      requested_allocated_usd: usdAmount(),
      justification: text({ min: JUSTIFICATION_MIN, max: JUSTIFICATION_MAX, multiline: true, trimmed: true }),
    }),
    example: {
      agent_id: 'agent_0199c2f0-5a00-7000-8000-000000000002',
      requested_allocated_usd: 200,
      justification: 'The March evaluation needs twice the calls of February.',
    },
    answers: { 201: budgetRequestShape },
    errors: ['BUDGET_DECREASE_REQUEST', 'AGENT_NOT_FOUND', 'AGENT_ARCHIVED'],
    handler: async ({ services, body, principal, context, scope, tx }) => {
      const { agent_id: agentId, requested_allocated_usd: requested, justification } = body
      const asked = { agentId, requesterId: principal.userId, requestedAllocated: usd(requested), justification }
      const ownerId = ownOnly({ principal, scope })
      const request = await services.agents.requestBudget(asked, actorOf(principal, context), { tx, ownerId })
      return {
        status: 201,
        body: budgetRequestAnswer(request),
        headers: { Location: `/api/v1/budget-requests/${request.id}` },
      }
    },
  }),
  defineRoute({
    ...ask,
    method: 'GET',
    path: '/budget-requests',
    rateLimit: 'read',
    audit: [],
    summary: 'List budget requests',
    query: object({
      ...page,
      ...sort('created_at', 'requested_allocated_usd'),
      status: optional(oneOf('pending', 'approved', 'rejected', 'cancelled')),
      agent_id: optional(id('agent')),
      requester_id: optional(id('user')),
    }),
    answers: { 200: pageOfShape(budgetRequestShape) },
    handler: async ({ services, query, principal, scope }) => {
      const { status, agent_id: agentId, requester_id: requester, ...rest } = query
      const window = pageOf({ ...rest, sort: rest.sort?.replace(/_usd$/, '') })
      const asked = ownerFilter({ principal, scope }, requester)
      if (asked === undefined) return { body: emptyAnswer(window) }
      const filter = { status, agentId, requesterId: asked.ownerId }
      return { body: pagedAnswer(await services.budgetRequests.list(filter, window), budgetRequestAnswer) }
    },
  }),
  defineRoute({
    ...ask,
    method: 'GET',
    path: '/budget-requests/{id}',
    rateLimit: 'read',
    audit: [],
    params: requestParam,
    summary: 'Get a budget request and its budget as of now',
    answers: { 200: budgetRequestWithBudgetShape },
    handler: async ({ services, params, principal }) =>
      services.database.read(async (tx) => {
        const request = await services.budgetRequests.get(params['id'] ?? '', { tx })
        const mine = request !== undefined && maySee(principal, 'budgets:request', request.requesterId)
        if (!mine) throw notFound('BUDGET_REQUEST_NOT_FOUND')
        // The agent may have changed hands since: what is the new owner's is not shown to who asked.
        const agent = await services.agents.get(request.agentId, { tx })
        const shown = agent !== undefined && maySee(principal, 'budgets:request', agent.ownerId)
        const budget = shown ? await services.budgets.get(agent.id, { tx }) : undefined
        return {
          body: { ...budgetRequestAnswer(request), agent_budget: budget === undefined ? null : budgetAnswer(budget) },
        }
      }),
  }),
  defineRoute({
    ...review,
    method: 'PUT',
    path: '/budget-requests/{id}/approve',
    audit: ['BUDGET_REQUEST_APPROVED', 'BUDGET_UPDATED'],
    summary: 'Approve a budget request, with the requested or another higher allocation',
    body: object({
      approved_allocated_usd: optional(usdAmount()),
      review_notes: optional(text({ min: 0, max: NOTES_MAX, multiline: true })),
    }),
    example: { approved_allocated_usd: 200, review_notes: 'Fine until the end of March.' },
    answers: { 200: approvedBudgetRequestShape },
    errors: ['APPROVAL_DECREASES_BUDGET', 'SELF_APPROVAL_FORBIDDEN', 'REQUEST_ALREADY_REVIEWED', 'AGENT_ARCHIVED'],
    handler: async ({ services, params, body, principal, context }) => {
      const { approved_allocated_usd: amount, review_notes: reviewNotes } = body
      const decision = { approvedAllocated: amount === undefined ? undefined : usd(amount), reviewNotes }
      const actor = actorOf(principal, context)
      const approved = await services.agents.approveBudgetRequest(params['id'] ?? '', actor, decision)
      return {
        body: {
          ...budgetRequestAnswer(approved.request),
          budget: budgetAnswer(approved.budget),
          previous_allocated_usd: toUsd(approved.previousAllocated),
        },
      }
    },
  }),
  defineRoute({
    ...review,
    method: 'PUT',
    path: '/budget-requests/{id}/reject',
    audit: ['BUDGET_REQUEST_REJECTED'],
    summary: 'Reject a budget request, with a reason',
    body: object({ review_notes: text({ min: REJECTION_NOTES_MIN, max: NOTES_MAX, multiline: true }) }),
    example: { review_notes: 'Please use what is left of February first.' },
    answers: { 200: budgetRequestShape },
    errors: ['REQUEST_ALREADY_REVIEWED'],
    handler: async ({ services, params, body, principal, context }) => {
      const actor = actorOf(principal, context)
      const request = await services.budgetRequests.reject(params['id'] ?? '', body.review_notes, actor)
      return { body: budgetRequestAnswer(request) }
    },
  }),
  defineRoute({
    ...ask,
    method: 'DELETE',
    path: '/budget-requests/{id}',
    rateLimit: 'write',
    audit: ['BUDGET_REQUEST_CANCELLED'],
    params: requestParam,
    summary: 'Cancel a budget request',
    answers: { 200: budgetRequestShape },
    errors: ['REQUEST_ALREADY_REVIEWED'],
    handler: async ({ services, params, principal, context }) => {
      const requestId = params['id'] ?? ''
      // Who asked never changes: what is seen here holds when the request is cancelled.
      const request = await services.budgetRequests.get(requestId)
      if (request === undefined || !maySee(principal, 'budgets:request', request.requesterId)) {
        throw notFound('BUDGET_REQUEST_NOT_FOUND')
      }
      const cancelled = await services.budgetRequests.cancel(requestId, actorOf(principal, context))
      return { body: budgetRequestAnswer(cancelled) }
    },
  }),
]
