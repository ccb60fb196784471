import type { SqlPart } from '../sql-part.ts'
import { asksSubjects, CALL_TABLES } from './filter.ts'
import { DAY_KEY, HOUR_KEY } from './sums.ts'
import { type CallSet, callsIn } from './times.ts'

/** One call as a count by its cost, as a roll-up would hold it. */
const ONE_CALL = `'{"' || cost_micros || '":1}'`

/**
 * A query for what single calls of a set cost: `texts`, counts by cost in microdollars, one text behind the other:
 * `{"120":3,"131":1}{"99":2}`. Finished hours before {@link Progress.costsFrom} have no such counts, and no place in the set.
 */
export function callCosts(calls: CallSet): SqlPart {
  // Of single subjects they are counted by the day, of all together by the hour (grains.ts, `keepsCosts`).
  const keys = [asksSubjects(calls.filter) ? DAY_KEY : HOUR_KEY]
  const parts = CALL_TABLES.map((table) => {
    const text = table === 'requests' ? ONE_CALL : 'costs'
    return callsIn(table, calls, (source) => `SELECT string_agg(${text}, '') AS texts ${source}`, keys)
  })
  const sql = parts.map((part) => part.sql).join(' UNION ALL ')
  return {
    sql: `SELECT texts FROM (${sql}) AS costs WHERE texts IS NOT NULL`,
    values: parts.flatMap(({ values }) => values),
  }
}
