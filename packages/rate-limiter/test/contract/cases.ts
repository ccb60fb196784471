/**
 * What every store must do, as tables: a rule, and steps on one key with what each answers. `waitMs` lets time pass
 * before a step. Buckets of the cases without waits refill once an hour, so that a slow machine changes nothing.
 */

const HOUR_MS = 3_600_000

export type CaseRule =
  | { readonly capacity: number; readonly refill: number; readonly intervalMs: number }
  | { readonly limit: number; readonly window: 'minute' | 'hour' | 'day' | 'month' | { readonly ms: number } }

export interface CaseStep {
  readonly call: 'consume' | 'peek' | 'refund' | 'reset'
  readonly cost?: number | undefined
  readonly waitMs?: number
  /** Default: that of the case. */
  readonly key?: string
  readonly answer?: { readonly allowed?: boolean; readonly remaining: number }
  /** Exact in memory; in Redis, where real time passes, it may be up to `SLOW_MS` less. */
  readonly retryAfterMs?: number
}

export interface StoreCase {
  readonly name: string
  readonly rule: CaseRule
  readonly steps: readonly CaseStep[]
}

const hourly = { capacity: 3, refill: 3, intervalMs: 3 * HOUR_MS }
const take = (remaining: number, cost?: number): CaseStep => ({
  call: 'consume',
  cost,
  answer: { allowed: true, remaining },
})
const refused = (retryAfterMs: number, remaining = 0, cost?: number): CaseStep => ({
  call: 'consume',
  cost,
  answer: { allowed: false, remaining },
  retryAfterMs,
})

export const STORE_CASES: readonly StoreCase[] = [
  {
    name: 'LIM-01 a bucket admits its capacity at once and then refuses until one token is back',
    rule: hourly,
    steps: [take(2), take(1), take(0), refused(HOUR_MS), refused(HOUR_MS)],
  },
  {
    // Of capacity 1, so that a wait that takes longer than it should changes no answer.
    name: 'LIM-01 a token comes back after its interval',
    rule: { capacity: 1, refill: 1, intervalMs: 150 },
    steps: [take(0), { ...take(0), waitMs: 150 }, { ...take(0), waitMs: 150 }],
  },
  {
    name: 'LIM-02 reading takes nothing, and making a bucket by reading it neither',
    rule: hourly,
    steps: [
      { call: 'peek', answer: { allowed: true, remaining: 3 }, retryAfterMs: 0 },
      take(2),
      { call: 'peek', answer: { allowed: true, remaining: 2 } },
      { call: 'peek', answer: { allowed: true, remaining: 2 } },
      take(0, 2),
      { call: 'peek', answer: { allowed: false, remaining: 0 }, retryAfterMs: HOUR_MS },
    ],
  },
  {
    name: 'LIM-03 a bucket of capacity 0 refuses everything for ever',
    rule: { capacity: 0, refill: 0, intervalMs: 1000 },
    steps: [refused(Infinity), { call: 'peek', answer: { allowed: false, remaining: 0 }, retryAfterMs: Infinity }],
  },
  {
    name: 'LIM-03 a quota of 0 refuses everything for ever',
    rule: { limit: 0, window: 'day' },
    steps: [refused(Infinity), { call: 'peek', answer: { allowed: false, remaining: 0 }, retryAfterMs: Infinity }],
  },
  {
    name: 'a cost above the capacity never fits and takes nothing',
    rule: hourly,
    steps: [refused(Infinity, 3, 4), take(0, 3), refused(Infinity, 0, 4)],
  },
  {
    name: 'a refused cost takes nothing, and a smaller one still fits',
    rule: hourly,
    steps: [take(1, 2), refused(HOUR_MS, 1, 2), take(0, 1), refused(2 * HOUR_MS, 0, 2)],
  },
  {
    name: 'a refund gives back, never above the capacity',
    rule: hourly,
    steps: [
      take(0, 3),
      { call: 'refund', cost: 2 },
      take(1),
      { call: 'refund', cost: 9_007_199_254_740_991 },
      { call: 'peek', answer: { remaining: 3 } },
      { call: 'refund' },
      take(2),
    ],
  },
  {
    name: 'a reset forgets one key and no other',
    rule: hourly,
    steps: [
      take(0, 3),
      { ...take(0, 3), key: 'other' },
      { call: 'reset' },
      take(2),
      { ...refused(HOUR_MS), key: 'other' },
    ],
  },
  {
    name: 'a window admits its limit and then refuses until it ends',
    rule: { limit: 2, window: 'hour' },
    steps: [take(1), take(0), refused(HOUR_MS), { call: 'refund' }, take(0), { call: 'reset' }, take(0, 2)],
  },
  {
    name: 'numbers near 2^53 are counted exactly',
    rule: { limit: 9_007_199_254_740_991, window: 'month' },
    steps: [take(9_007_199_254_740_990), take(1, 9_007_199_254_740_989), take(0), refused(31 * 24 * HOUR_MS)],
  },
  {
    name: 'a bucket whose tokens are no whole number of milliseconds counts the parts',
    rule: { capacity: 7, refill: 7, intervalMs: 7 * HOUR_MS + 1 },
    steps: [take(0, 7), refused(HOUR_MS + 1), { call: 'refund' }, take(0), refused(7 * HOUR_MS + 1, 0, 7)],
  },
]
