import type { ReadTx } from '@iron/database'
import { ADDED_SUMS, type CallSet, type CallSums, callSums, queryPart } from '@iron/journal'
import { type Totals, totalsOf } from '../totals.ts'
import type { AskedCalls } from './find-calls.ts'
import { readLatency } from './read-latency.ts'

/** The figures of all calls of a set. */
export async function sumAll(tx: ReadTx, calls: AskedCalls): Promise<Totals> {
  return totalsOf(await sumFigures(tx, calls), await readLatency(tx, calls))
}

/** What can be added up of them. */
export async function sumFigures(tx: ReadTx, calls: CallSet): Promise<CallSums> {
  const { sql, values } = callSums(calls)
  const [sums] = await queryPart<CallSums>(tx, { sql: `SELECT ${ADDED_SUMS} FROM (${sql}) AS calls`, values })
  return sums as CallSums
}
