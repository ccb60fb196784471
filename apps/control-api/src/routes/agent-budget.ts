import { minus, toUsd, usd } from '@iron/cost-calculator'
import {
  balanceAnswer,
  budgetAnswer,
  budgetChangeAnswer,
  budgetChangeShape,
  budgetShape,
  changedBudgetShape,
} from '../answers/budget.ts'
import { adjustmentShape, ledgerEntryAnswer } from '../answers/lease.ts'
import { logOfShape } from '../answers/list.ts'
import { notFound } from '../http/handle.ts'
import { actorOf } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { boolean, count, cursor, object, oneOf, optional, text, usdAmount, usdAmountOrZero } from '../http/schemas.ts'
import { ofAgent } from './agent-param.ts'
import { cursorOf, logAnswer } from './lists.ts'

const reason = text({ max: 500, multiline: true })

export const agentBudgetRoutes = [
  defineRoute({
    ...ofAgent,
    method: 'GET',
    path: '/agents/{id}/budget',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    summary: "An agent's budget",
    answers: { 200: budgetShape },
    handler: async ({ services, params }) => {
      const budget = await services.budgets.get(params['id'] ?? '')
      if (budget === undefined) throw notFound('AGENT_NOT_FOUND')
      return { body: budgetAnswer(budget) }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'PUT',
    path: '/agents/{id}/budget',
    permission: 'budgets:allocate',
    rateLimit: 'write',
    audit: ['BUDGET_UPDATED'],
    summary: 'Set the allocation to an absolute amount',
    body: object({
      allocated_usd: usdAmountOrZero(),
      force: optional(boolean()),
      reason: optional(reason),
      expected_version: optional(count()),
    }),
    example: { allocated_usd: 100, reason: 'More work in March' },
    answers: { 200: changedBudgetShape },
    errors: ['BUDGET_DECREASE_REQUIRES_CONFIRMATION', 'CONFLICT', 'BUDGET_BELOW_SPENT', 'AGENT_ARCHIVED'],
    handler: async ({ services, params, body, principal, context }) => {
      const { allocated_usd: allocated, expected_version: expectedVersion, ...rest } = body
      const options = { ...rest, expectedVersion }
      const actor = actorOf(principal, context)
      const change = await services.budgets.setAllocation(params['id'] ?? '', usd(allocated), actor, options)
      return {
        body: {
          ...budgetAnswer(change.budget),
          previous_allocated_usd: toUsd(change.previousAllocated),
          change_usd: toUsd(minus(change.budget.allocated, change.previousAllocated)),
          leases_revoked: change.leasesRevoked.length,
        },
      }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'POST',
    path: '/agents/{id}/budget/adjustments',
    permission: 'budgets:allocate',
    rateLimit: 'write',
    audit: ['BUDGET_ADJUSTED'],
    idempotency: 'stored',
    summary: 'Adjust the books: credit spent money, or charge extra spending',
    body: object({ direction: oneOf('credit', 'charge'), amount_usd: usdAmount(), reason }),
    example: { direction: 'credit', amount_usd: 1.5, reason: 'The provider refunded call-2' },
    answers: { 201: adjustmentShape },
    errors: ['ADJUSTMENT_TOO_LARGE', 'AGENT_ARCHIVED'],
    handler: async ({ services, params, body, principal, context, tx }) => {
      const agentId = params['id'] ?? ''
      const { direction, amount_usd: amount } = body
      const actor = actorOf(principal, context)
      const booked = await services.budgets.adjust(agentId, direction, usd(amount), body.reason, actor, { tx })
      return {
        status: 201,
        body: { ...ledgerEntryAnswer(booked.entry), budget: balanceAnswer(booked.budget) },
        headers: { Location: `/api/v1/agents/${agentId}/ledger` },
      }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'GET',
    path: '/agents/{id}/budget/history',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    summary: 'List the changes of the allocation',
    query: object({ ...cursor }),
    answers: { 200: logOfShape(budgetChangeShape) },
    handler: async ({ services, params, query }) => ({
      body: logAnswer(await services.budgets.history(params['id'] ?? '', cursorOf(query)), budgetChangeAnswer),
    }),
  }),
]
