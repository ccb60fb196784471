import { type Microdollars, ZERO } from '@iron/cost-calculator'
import type { ReadTx } from '@iron/database'
import { type CallFilter, type CallTable, type Condition, conditionsOf } from './filter.ts'
import { HOUR_MS, hourOf, readProgress } from './hours.ts'

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

interface Sums {
  readonly requests: number
  readonly failed: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly total_tokens: number
  readonly cost_micros: number
}

/**
 * Sums over the calls that fit. Finished hours come from the roll-ups, which outlive the calls; the hours after them, those
 * noted as changed and the part of an hour before `to` are read from the calls, so that the sums are never behind. `from` is
 * rounded down to its hour, as is a `to` in an hour whose calls are gone.
 */
export async function sumCalls(tx: ReadTx, filter: CallFilter): Promise<UsageTotals> {
  const { rolledHour, prunedHour, dirtyHours } = await readProgress(tx)
  const from = hourOf(filter.from ?? 0)
  const wanted = filter.to ?? Number.MAX_SAFE_INTEGER
  const to = hourOf(wanted) <= prunedHour ? hourOf(wanted) : wanted
  const rolledEnd = Math.max(from, Math.min(hourOf(to), rolledHour < 0 ? 0 : rolledHour + HOUR_MS))
  const dirty = dirtyHours.filter((hour) => hour >= from && hour < rolledEnd && hour > prunedHour)
  const rolled: Condition[] = [{ sql: 'hour_start >= ? AND hour_start < ?', values: [from, rolledEnd] }]
  if (dirty.length > 0) rolled.push({ sql: `hour_start NOT IN (${dirty.map(() => '?').join(', ')})`, values: dirty })
  const spans = [{ from: rolledEnd, to }, ...dirty.map((hour) => ({ from: hour, to: hour + HOUR_MS }))]
  const raw: Condition = {
    sql: `(${spans.map(() => '(received_at >= ? AND received_at < ?)').join(' OR ')})`,
    values: spans.flatMap((span) => [span.from, span.to]),
  }
  return addUp([await sumTable(tx, 'request_rollups', filter, rolled), await sumTable(tx, 'requests', filter, [raw])])
}

/** All calls of an agent, those of this UTC day, and when it last called. */
export interface Activity {
  readonly total: number
  readonly today: number
  /** Epoch ms; to the hour when the calls themselves are pruned. */
  readonly lastAt: number | null
}

/** What an agent has called. */
export async function activityOf(tx: ReadTx, agentId: string, now: number): Promise<Activity> {
  const all = await sumCalls(tx, { agentId })
  const today = await sumCalls(tx, { agentId, from: now - (now % (24 * HOUR_MS)) })
  const newest = await tx.sql
    .selectFrom('requests')
    .select('received_at')
    .where('subject_id', '=', agentId)
    .orderBy('received_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  const newestHour = await tx.sql
    .selectFrom('request_rollups')
    .select('hour_start')
    .where('subject_id', '=', agentId)
    .orderBy('hour_start', 'desc')
    .limit(1)
    .executeTakeFirst()
  const lastAt = newest?.received_at ?? newestHour?.hour_start ?? null
  return Object.freeze({ total: all.requests, today: today.requests, lastAt })
}

async function sumTable(tx: ReadTx, table: CallTable, filter: CallFilter, times: readonly Condition[]): Promise<Sums> {
  const conditions = [...times, ...conditionsOf(filter, table)]
  const count = table === 'requests' ? '1' : 'requests'
  const sql = `
    SELECT ${total(count)} AS requests, ${total(`CASE WHEN outcome = 'failed' THEN ${count} ELSE 0 END`)} AS failed,
      ${total('input_tokens')} AS input_tokens, ${total('output_tokens')} AS output_tokens,
      ${total('total_tokens')} AS total_tokens, ${total('cost_micros')} AS cost_micros
    FROM ${table} WHERE ${conditions.map((condition) => condition.sql).join(' AND ')}`
  let position = 0
  const text = tx.dialect === 'postgres' ? sql.replace(/\?/g, () => `$${(position += 1)}`) : sql
  const { rows } = await tx.execute<Sums>({
    sql: text,
    parameters: conditions.flatMap((condition) => condition.values),
  })
  return rows[0] as Sums
}

function total(expression: string): string {
  return `CAST(coalesce(sum(${expression}), 0) AS bigint)`
}

function addUp(parts: readonly Sums[]): UsageTotals {
  const sum = (column: keyof Sums): number => parts.reduce((total, part) => total + part[column], 0)
  return Object.freeze({
    requests: sum('requests'),
    completed: sum('requests') - sum('failed'),
    failed: sum('failed'),
    inputTokens: sum('input_tokens'),
    outputTokens: sum('output_tokens'),
    totalTokens: sum('total_tokens'),
    cost: (ZERO + sum('cost_micros')) as Microdollars,
  })
}
