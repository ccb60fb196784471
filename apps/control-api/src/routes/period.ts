/** Which time a query of usage and analytics covers, and whose calls (http-api 5.1, 5.2). */
import { AnalyticsError, type Period, resolvePeriod, type Scope } from '@iron/analytics'
import { validationError } from '../http/errors.ts'
import type { Person } from '../http/principal.ts'
import { id, type object, oneOf, optional, type Static, text, time, type TSchema } from '../http/schemas.ts'
import { NOBODY, ownerFilter } from './scope.ts'

const NAMES = ['today', 'yesterday', 'last-7-days', 'last-30-days', 'this-month', 'last-month', 'all-time'] as const

/** `period`, or `from` and `to`. */
export const periodFields = { period: optional(oneOf(...NAMES)), from: optional(time()), to: optional(time()) }

/** Filters of every query; each is exact. */
export const callFilterFields = {
  agent_id: optional(id('agent')),
  token_id: optional(id('tok')),
  provider: optional(text({ max: 100 })),
  model: optional(text({ max: 255 })),
  outcome: optional(oneOf('completed', 'failed')),
  owner_id: optional(id('user')),
}

type Query<Fields extends Record<string, TSchema>> = Static<ReturnType<typeof object<Fields>>>

/**
 * The period a query asks for.
 *
 * @param now epoch ms
 * @throws {ApiError} VALIDATION_ERROR, also for bounds that make no period
 */
export function periodOf(query: Query<typeof periodFields>, now: number, otherwise: Period = 'all-time'): Period {
  const { period, from, to } = query
  if (from === undefined && to === undefined) return period ?? otherwise
  if (period !== undefined) throw validationError({ 'query.period': 'cannot be given together with from and to' })
  if (from === undefined) throw validationError({ 'query.from': 'is required with to' })
  if (to === undefined) throw validationError({ 'query.to': 'is required with from' })
  const bounds = { from: Date.parse(from), to: Date.parse(to) }
  try {
    resolvePeriod(bounds, now)
  } catch (error) {
    if (!(error instanceof AnalyticsError)) throw error
    const fields = (error.details['fields'] ?? {}) as Record<string, string>
    throw validationError(
      Object.fromEntries(Object.entries(fields).map(([path, rule]) => [path.replace('period.', 'query.'), rule])),
    )
  }
  return bounds
}

/** The calls a caller may ask about: those of an admin's choice, or their own. */
export function callScopeOf(
  query: Query<typeof callFilterFields>,
  asker: { readonly principal: Person; readonly scope: 'own' | 'any' },
): Scope {
  const { agent_id: agentId, token_id: tokenId, provider, model, outcome, owner_id: owner } = query
  const owned = ownerFilter(asker, owner) ?? { ownerId: NOBODY }
  return { ...owned, agentId, tokenId, provider, model, outcome }
}
