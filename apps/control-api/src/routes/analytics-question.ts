/** What every question about calls has in common: a period, a scope, one snapshot (http-api 4.15). */
import { AnalyticsError, type Period, type ResolvedRange, type Scope } from '@iron/analytics'
import type { ReadTx } from '@iron/database'
import { isoTime } from '../answers/scalars.ts'
import { validationError } from '../http/errors.ts'
import type { Person } from '../http/principal.ts'
import type { object, Static } from '../http/schemas.ts'
import type { Services } from '../services.ts'
import { callFilterFields, callScopeOf, periodFields, periodOf } from './period.ts'

/** Query parameters of every question. */
export const questionFields = { ...periodFields, ...callFilterFields }

type Question = Static<ReturnType<typeof object<typeof questionFields>>>

/** A question as the packages take it. */
export interface Asked {
  readonly period: Period
  readonly calls: Scope
  /** The snapshot and the moment of the whole answer. */
  readonly at: { readonly tx: ReadTx; readonly now: number }
}

interface Input {
  readonly services: Services
  readonly query: Question
  readonly principal: Person
  readonly scope: 'own' | 'any'
}

/**
 * Answers a question from one snapshot, with what its period came to be.
 *
 * @param otherwise the period when none is asked for
 * @throws {ApiError} VALIDATION_ERROR; {AnalyticsError} AGENT_NOT_FOUND, QUERY_TIMEOUT
 */
export async function answerQuestion<T extends object>(
  { services, query, principal, scope }: Input,
  answer: (asked: Asked) => Promise<T>,
  otherwise: Period = 'all-time',
) {
  const period = periodOf(query, services.database.clock.now(), otherwise)
  const calls = callScopeOf(query, { principal, scope })
  return services.database.read(async (tx) => {
    const range = await services.analytics.range(period, calls, { tx })
    const at = { tx, now: range.calculatedAt }
    return { ...boundsAnswer(period, range), ...(await namingPeriod(period, () => answer({ period, calls, at }))) }
  })
}

/** What a period came to be, as every question tells it. */
export function boundsAnswer(period: Period, { from, to, calculatedAt }: ResolvedRange) {
  return {
    period: typeof period === 'string' ? period : ('custom' as const),
    from: isoTime(from),
    to: isoTime(to),
    calculated_at: isoTime(calculatedAt),
  }
}

/** A period that is too long for a question is a fault of the parameter that makes it so. */
async function namingPeriod<T>(period: Period, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const fields = error instanceof AnalyticsError ? error.details['fields'] : undefined
    const fault = (fields as Readonly<Record<string, string>> | undefined)?.['period']
    if (fault === undefined) throw error
    throw validationError({ [typeof period === 'string' ? 'query.period' : 'query.to']: fault })
  }
}
