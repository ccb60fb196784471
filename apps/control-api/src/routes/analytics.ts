import {
  agentSpendingAnswer,
  agentSpendingSummary,
  agentTokensAnswer,
  budgetStandingShape,
  costsAnswer,
  costsShape,
  modelsShape,
  modelsSummary,
  overviewAnswer,
  overviewShape,
  providerSpendingAnswer,
  providerSpendingSummary,
  requestCountsAnswer,
  requestCountsShape,
  spendingAnswer,
  spendingByAgentShape,
  spendingByProviderShape,
  spendingShape,
  timelineAnswer,
  timelineShape,
  tokensByAgentShape,
  tokenSumsAnswer,
} from '../answers/analytics.ts'
import { isoTime } from '../answers/scalars.ts'
import { modelRowAnswer } from '../answers/totals.ts'
import { notFound } from '../http/handle.ts'
import { defineRoute } from '../http/route.ts'
import { object, oneOf, optional, page } from '../http/schemas.ts'
import { answerQuestion, questionFields } from './analytics-question.ts'
import { budgetsQuery, listBudgets } from './budgets-list.ts'
import { pagedAnswer, pageOf } from './lists.ts'
import { ownOnly } from './scope.ts'

const ask = { method: 'GET', auth: 'user', permission: 'metrics:read', rateLimit: 'analytics', audit: [] } as const
/** Periods of questions that read single calls, or show one row for each span of time (http-api 4.15). */
const LAST_30_DAYS = 'last-30-days'

const question = object(questionFields)
const pagedQuestion = object({ ...questionFields, ...page })

export const analyticsRoutes = [
  defineRoute({
    ...ask,
    path: '/analytics',
    summary: 'Calls of a period at a glance, with current agents and budgets',
    query: question,
    answers: { 200: overviewShape },
    errors: ['AGENT_NOT_FOUND'],
    handler: async (input) => ({
      body: await answerQuestion(input, async ({ period, calls, at }) => {
        const { analytics, agents } = input.services
        const overview = await analytics.overview(period, calls, at)
        return overviewAnswer(overview, await agents.overview({ ownerId: calls.ownerId }, at))
      }),
    }),
  }),
  defineRoute({
    ...ask,
    path: '/analytics/spending/total',
    summary: 'What calls cost, charged and not',
    query: question,
    answers: { 200: spendingShape },
    errors: ['AGENT_NOT_FOUND'],
    handler: async (input) => ({
      body: await answerQuestion(input, async ({ period, calls, at }) =>
        spendingAnswer(await input.services.analytics.totals(period, calls, at)),
      ),
    }),
  }),
  defineRoute({
    ...ask,
    path: '/analytics/spending/by-agent',
    summary: 'Spending by agent',
    query: pagedQuestion,
    answers: { 200: spendingByAgentShape },
    errors: ['AGENT_NOT_FOUND'],
    handler: async (input) => ({
      body: await answerQuestion(input, async ({ period, calls, at }) => {
        const window = { ...pageOf(input.query), ...at }
        const grouped = await input.services.analytics.by('agent', period, { ...calls, source: 'agent' }, window)
        return { summary: agentSpendingSummary(grouped), ...pagedAnswer(grouped, agentSpendingAnswer) }
      }),
    }),
  }),
  defineRoute({
    ...ask,
    path: '/analytics/spending/by-provider',
    summary: 'Spending by provider',
    query: pagedQuestion,
    answers: { 200: spendingByProviderShape },
    errors: ['AGENT_NOT_FOUND'],
    handler: async (input) => ({
      body: await answerQuestion(input, async ({ period, calls, at }) => {
        const window = { ...pageOf(input.query), ...at }
        const grouped = await input.services.analytics.by('provider', period, calls, window)
        return { summary: providerSpendingSummary(grouped), ...pagedAnswer(grouped, providerSpendingAnswer) }
      }),
    }),
  }),
  defineRoute({
    ...ask,
    path: '/analytics/spending/avg-per-request',
    summary: 'Distribution of the costs of single calls',
    query: question,
    answers: { 200: costsShape },
    errors: ['AGENT_NOT_FOUND'],
    handler: async (input) => ({
      body: await answerQuestion(
        input,
        async ({ period, calls, at }) => costsAnswer(await input.services.analytics.costs(period, calls, at)),
        LAST_30_DAYS,
      ),
    }),
  }),
  defineRoute({
    ...ask,
    path: '/analytics/usage/requests',
    summary: 'Number of calls and success rate',
    query: question,
    answers: { 200: requestCountsShape },
    errors: ['AGENT_NOT_FOUND'],
    handler: async (input) => ({
      body: await answerQuestion(input, async ({ period, calls, at }) =>
        requestCountsAnswer(await input.services.analytics.totals(period, calls, at)),
      ),
    }),
  }),
  defineRoute({
    ...ask,
    path: '/analytics/usage/tokens/by-agent',
    summary: 'Tokens by agent',
    query: pagedQuestion,
    answers: { 200: tokensByAgentShape },
    errors: ['AGENT_NOT_FOUND'],
    handler: async (input) => ({
      body: await answerQuestion(input, async ({ period, calls, at }) => {
        const window = { ...pageOf(input.query), ...at }
        const grouped = await input.services.analytics.by('agent', period, { ...calls, source: 'agent' }, window)
        return { summary: tokenSumsAnswer(grouped.totals), ...pagedAnswer(grouped, agentTokensAnswer) }
      }),
    }),
  }),
  defineRoute({
    ...ask,
    path: '/analytics/usage/models',
    summary: 'Usage by model and provider',
    query: pagedQuestion,
    answers: { 200: modelsShape },
    errors: ['AGENT_NOT_FOUND'],
    handler: async (input) => ({
      body: await answerQuestion(input, async ({ period, calls, at }) => {
        const window = { ...pageOf(input.query), ...at }
        const grouped = await input.services.analytics.by('model', period, calls, window)
        return { summary: modelsSummary(grouped), ...pagedAnswer(grouped, modelRowAnswer) }
      }),
    }),
  }),
  defineRoute({
    ...ask,
    path: '/analytics/budget/status',
    summary: 'List budgets, with a summary over all matches',
    query: budgetsQuery,
    answers: { 200: budgetStandingShape },
    errors: ['AGENT_NOT_FOUND'],
    handler: async ({ services, query, principal, scope }) => {
      const mine = { agentId: query.agent_id, ownerId: ownOnly({ principal, scope }) }
      if (mine.agentId !== undefined) {
        const budget = await services.budgets.get(mine.agentId)
        const isForeign = mine.ownerId !== undefined && budget?.ownerId !== mine.ownerId
        if (budget === undefined || isForeign) throw notFound('AGENT_NOT_FOUND')
      }
      const calculatedAt = isoTime(services.database.clock.now())
      return { body: { calculated_at: calculatedAt, ...(await listBudgets(services, query, mine)) } }
    },
  }),
  defineRoute({
    ...ask,
    path: '/analytics/timeseries',
    summary: 'One figure per hour or day',
    query: object({
      ...questionFields,
      metric: optional(oneOf('spend_usd', 'requests', 'failed', 'total_tokens')),
      bucket: optional(oneOf('hour', 'day')),
    }),
    answers: { 200: timelineShape },
    errors: ['AGENT_NOT_FOUND'],
    handler: async (input) => ({
      body: await answerQuestion(
        input,
        async ({ period, calls, at }) => {
          const { metric = 'spend_usd', bucket = 'day' } = input.query
          const points = await input.services.analytics.timeline(bucket, period, calls, at)
          return { metric, bucket, data: timelineAnswer(points, metric) }
        },
        LAST_30_DAYS,
      ),
    }),
  }),
]
