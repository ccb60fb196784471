/**
 * The one place that sums calls over their tables. What is asked for differs only in what the sums are told apart by, so every
 * total, group and timeline of the house agrees with every other.
 */
import { type Microdollars, ZERO } from '@iron/cost-calculator'
import type { SqlPart } from '../sql-part.ts'
import { CALL_TABLES, type CallTable } from './filter.ts'
import { DAY_MS, type Grain } from './grains.ts'
import { HOUR_MS } from './hours.ts'
import { MICROS_PER_USD, SUMMED_MICROS_MAX } from './summed-money.ts'
import { type CallSet, callsIn } from './times.ts'

/** Sums over calls; what was not told counts as 0. */
export interface UsageTotals {
  readonly requests: number
  readonly completed: number
  readonly failed: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly totalTokens: number
  readonly cost: Microdollars
}

/** A row of sums, as it is read. */
export interface CallSums {
  readonly requests: number
  readonly failed: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly total_tokens: number
  readonly cost_micros: number
  readonly billed_micros: number
}

const SUM_COLUMNS = [
  'requests',
  'failed',
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'cost_micros',
  'billed_micros',
] as const satisfies readonly (keyof CallSums)[]

/** Columns that hold money. */
const MONEY = new Set<string>(['cost_micros', 'billed_micros'] satisfies (keyof CallSums)[])

/** Select list that adds up rows of {@link callSums}. */
export const ADDED_SUMS: string = SUM_COLUMNS.map((column) => `${sumOf(column, column)} AS ${column}`).join(', ')

/** What calls are told apart by: the name of its column, and how each table tells it. */
export type CallKey = {
  readonly name: string
  /** The longest time whose calls may be added up; default: any. */
  readonly grain?: Grain
} & Readonly<Record<CallTable, string>>

export const SUBJECT_KEY: CallKey = columnKey('subject_id')
/** Null or `''`: not known; the roll-ups write the latter. */
export const PROVIDER_KEY: CallKey = columnKey('provider')
/** Null or `''`: not known. */
export const MODEL_KEY: CallKey = columnKey('model')
/** The start of the UTC hour: the order in which roll-ups are stored, so that they need not be sorted. */
export const HOUR_KEY: CallKey = {
  name: 'start',
  grain: 'hour',
  requests: `received_at - received_at % ${HOUR_MS}`,
  request_rollups: 'hour_start',
  request_sums: 'start',
}
/** The start of the UTC day. */
export const DAY_KEY: CallKey = {
  name: 'start',
  grain: 'day',
  requests: `received_at - received_at % ${DAY_MS}`,
  request_rollups: `hour_start - hour_start % ${DAY_MS}`,
  request_sums: `start - start % ${DAY_MS}`,
}

/**
 * A query for the sums of calls, one row for each value of the keys, or several: without keys at least one. Who asks adds them
 * up.
 */
export function callSums(calls: CallSet, keys: readonly CallKey[] = []): SqlPart {
  const parts = CALL_TABLES.map((table) => sumsIn(table, calls, keys))
  return { sql: parts.map(({ sql }) => sql).join(' UNION ALL '), values: parts.flatMap(({ values }) => values) }
}

/** The totals that a row of sums tells. */
export function usageTotalsOf(row: CallSums): UsageTotals {
  return {
    requests: row.requests,
    completed: row.requests - row.failed,
    failed: row.failed,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    totalTokens: row.total_tokens,
    cost: (ZERO + row.cost_micros) as Microdollars,
  }
}

/** The sum of an expression as an integer, 0 over no rows: PostgreSQL sums BIGINT into NUMERIC. */
export function totalSql(expression: string): string {
  return `CAST(coalesce(sum(${expression}), 0) AS bigint)`
}

/**
 * The same of microdollars. A call may cost as much as one can say, and nothing bounds the calls that are only told of: instead of
 * ending every question about them, their sum stops at {@link SUMMED_MICROS_MAX}. Whole dollars and the rest are added apart, which
 * 64 bits always hold.
 */
export function moneyTotalSql(expression: string): string {
  const whole = `coalesce(sum((${expression}) / ${MICROS_PER_USD}), 0)`
  const rest = `coalesce(sum((${expression}) % ${MICROS_PER_USD}), 0)`
  const isBeyond = `${whole} + ${rest} / ${MICROS_PER_USD} >= ${SUMMED_MICROS_MAX / MICROS_PER_USD}`
  return `CAST(CASE WHEN ${isBeyond} THEN ${SUMMED_MICROS_MAX} ELSE ${whole} * ${MICROS_PER_USD} + ${rest} END AS bigint)`
}

function sumOf(column: string, expression: string): string {
  return MONEY.has(column) ? moneyTotalSql(expression) : totalSql(expression)
}

function sumsIn(table: CallTable, calls: CallSet, keys: readonly CallKey[]): SqlPart {
  const count = table === 'requests' ? '1' : 'requests'
  const billed = table === 'requests' ? 'CASE WHEN billed = 1 THEN cost_micros ELSE 0 END' : 'billed_micros'
  const expressions: Readonly<Record<keyof CallSums, string>> = {
    requests: count,
    failed: `CASE WHEN outcome = 'failed' THEN ${count} ELSE 0 END`,
    input_tokens: 'input_tokens',
    output_tokens: 'output_tokens',
    total_tokens: 'total_tokens',
    cost_micros: 'cost_micros',
    billed_micros: billed,
  }
  const selected = [
    ...keys.map((key) => `${key[table]} AS ${key.name}`),
    ...SUM_COLUMNS.map((column) => `${sumOf(column, expressions[column])} AS ${column}`),
  ]
  const grouped = keys.length === 0 ? '' : ` GROUP BY ${keys.map((_, index) => index + 1).join(', ')}`
  return callsIn(table, calls, (source) => `SELECT ${selected.join(', ')} ${source}${grouped}`, keys)
}

function columnKey(column: 'subject_id' | 'provider' | 'model'): CallKey {
  return { name: column, requests: column, request_rollups: column, request_sums: column }
}
