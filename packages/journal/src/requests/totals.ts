import type { ReadTx } from '@iron/database'
import { queryPart } from '../sql-part.ts'
import type { CallFilter } from './filter.ts'
import { HOUR_MS } from './hours.ts'
import { ADDED_SUMS, type CallSums, callSums, type UsageTotals, usageTotalsOf } from './sums.ts'
import { callSet } from './times.ts'

/** Sums over the calls that fit, never behind; `from` is rounded down to its hour. */
export async function sumCalls(tx: ReadTx, filter: CallFilter): Promise<UsageTotals> {
  const { sql, values } = callSums(await callSet(tx, filter))
  const [sums] = await queryPart<CallSums>(tx, { sql: `SELECT ${ADDED_SUMS} FROM (${sql}) AS calls`, values })
  return Object.freeze(usageTotalsOf(sums as CallSums))
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
