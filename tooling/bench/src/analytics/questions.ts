/** Every question about calls of http-api 4.4, 4.14 and 4.15, in each period, of all calls, of one owner and of one agent. */
import { DAY_MS, HOUR_MS } from '@iron/journal'

const PERIODS = ['today', 'yesterday', 'last-7-days', 'last-30-days', 'this-month', 'last-month', 'all-time'] as const

const ROUTES = [
  '/analytics',
  '/analytics/spending/total',
  '/analytics/spending/by-agent',
  '/analytics/spending/by-provider',
  '/analytics/spending/avg-per-request',
  '/analytics/usage/requests',
  '/analytics/usage/tokens/by-agent',
  '/analytics/usage/models',
  '/analytics/timeseries?bucket=day',
  '/analytics/timeseries?bucket=hour',
  '/usage',
  ...['day', 'agent', 'token', 'provider', 'model', 'project', 'owner'].map((group) => `/usage?group_by=${group}`),
] as const

/** One question, by how it is asked. */
export interface Question {
  readonly path: string
  readonly by: 'admin' | 'owner' | 'agent'
  /** Reads calls one by one, as its definition says; the others are answered from roll-ups. */
  readonly readsCalls: boolean
}

/** All of them; those that a period is too long for are left out. */
export function questionsOf(agentId: string, now: number): readonly Question[] {
  const edges = { from: now - 61 * DAY_MS - 5 * HOUR_MS, to: now - 3 * DAY_MS - 7 * HOUR_MS }
  const custom = `from=${new Date(edges.from).toISOString()}&to=${new Date(edges.to).toISOString()}`
  const periods = [...PERIODS.map((period) => `period=${period}`), custom]
  const questions: Question[] = []
  for (const route of ROUTES) {
    const readsCalls = route.endsWith('avg-per-request')
    for (const period of periods) {
      const isLong = period === custom || period === 'period=all-time'
      if (isLong && (readsCalls || route.endsWith('bucket=hour'))) continue
      const path = `${route}${route.includes('?') ? '&' : '?'}${period}`
      questions.push({ path, by: 'admin', readsCalls })
      if (!route.endsWith('=owner')) questions.push({ path, by: 'owner', readsCalls })
      questions.push({ path: `${path}&agent_id=${agentId}`, by: 'agent', readsCalls })
    }
  }
  for (const period of periods) {
    questions.push({ path: `/agents/${agentId}/metrics?${period}`, by: 'agent', readsCalls: false })
  }
  questions.push({ path: '/analytics/budget/status', by: 'admin', readsCalls: false })
  return questions
}
