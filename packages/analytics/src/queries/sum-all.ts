import type { ReadTx } from '@iron/database'
import { ADDED_SUMS, type CallSums, callSums, queryPart } from '@iron/journal'
import { type Totals, totalsOf } from '../totals.ts'
import type { AskedCalls } from './find-calls.ts'
import { readLatency } from './read-latency.ts'

/** The figures of all calls of a set. */
export async function sumAll(tx: ReadTx, calls: AskedCalls): Promise<Totals> {
  const { sql, values } = callSums(calls)
  const [sums] = await queryPart<CallSums>(tx, { sql: `SELECT ${ADDED_SUMS} FROM (${sql}) AS calls`, values })
  return totalsOf(sums as CallSums, await readLatency(tx, calls))
}
