/** The lengths of time that sums are kept by, all in UTC. */
import type { RequestSumsTable } from '@iron/database'
import { HOUR_MS, hourOf } from './hours.ts'

export type Grain = 'hour' | 'day' | 'month'

/** Coarsest first; each holds whole ones of the next. */
export const GRAINS: readonly Grain[] = ['month', 'day', 'hour']

/** One UTC day. */
export const DAY_MS = 24 * HOUR_MS

/** The start of the hour, day or month of an instant, epoch ms. */
export function startOf(grain: Grain, ms: number): number {
  if (grain === 'hour') return hourOf(ms)
  if (grain === 'day') return ms - (ms % DAY_MS)
  const date = new Date(ms)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
}

/** The start of the next one, epoch ms. */
export function endOf(grain: Grain, start: number): number {
  if (grain === 'hour') return start + HOUR_MS
  if (grain === 'day') return start + DAY_MS
  const date = new Date(start)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
}

/** How a row of `request_sums` is marked: `each_…` tells of one agent or token, the others of all together. */
export type SumGrain = RequestSumsTable['grain']

/** How far a row of `request_sums` reaches. */
export const LENGTH_OF: Readonly<Record<SumGrain, Grain>> = {
  hour: 'hour',
  day: 'day',
  month: 'month',
  each_day: 'day',
  each_month: 'month',
}

/** All of them; those that others are made of first. */
export const SUM_GRAINS: readonly SumGrain[] = ['hour', 'day', 'month', 'each_day', 'each_month']

/** What a grain is added up from; those that are not named, from the roll-ups. */
export const MADE_OF: Readonly<Partial<Record<SumGrain, SumGrain>>> = {
  day: 'hour',
  month: 'day',
  each_month: 'each_day',
}

/** Whether a grain counts single costs: where they are read, and nowhere that many different ones would make a row long. */
export function keepsCosts(grain: SumGrain): boolean {
  return grain === 'hour' || grain === 'each_day'
}

/** Whether rows of a grain tell of one agent or token. */
export function isOfEach(grain: SumGrain): boolean {
  return grain.startsWith('each_')
}
