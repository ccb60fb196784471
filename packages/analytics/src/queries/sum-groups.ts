import type { ReadTx } from '@iron/database'
import { type CallSet, callSums, queryPart } from '@iron/journal'
import { DIMENSION_SQL, type Dimension } from '../dimension.ts'
import { type GroupRecord, groupRowOf, groupTotalsOf, type GroupRow, type GroupTotals } from '../group-row.ts'
import { allGroupsSql, groupedSql, groupPageSql, type GroupWindow } from './group-sql.ts'

/** A window on the groups of a set of calls, and what all groups are together: one statement. */
export async function sumGroups(
  tx: ReadTx,
  calls: CallSet,
  dimension: Dimension,
  window: GroupWindow,
): Promise<{ readonly rows: readonly GroupRow[]; readonly totals: GroupTotals }> {
  const sums = callSums(calls, DIMENSION_SQL[dimension].keys)
  const page = groupPageSql('grouped', dimension, window)
  const [all, ...records] = await queryPart<GroupRecord>(tx, {
    sql: `
      WITH calls AS (${sums.sql}), ${groupedSql('grouped', dimension)}
      ${allGroupsSql('grouped', dimension)} UNION ALL ${page.sql} ORDER BY place`,
    values: [...sums.values, ...page.values],
  })
  const rows = Object.freeze(records.map((record) => groupRowOf(record, dimension)))
  return { rows, totals: groupTotalsOf(all as GroupRecord, dimension) }
}
