import { ADDED_SUMS, moneyTotalSql, type SqlPart } from '@iron/journal'
import { DIMENSION_SQL, type Dimension } from '../dimension.ts'

/** Which groups, in which order. */
export interface GroupWindow {
  readonly column: 'cost_micros' | 'requests' | 'total_tokens' | 'group_key'
  readonly direction: 'asc' | 'desc'
  readonly limit: number
  readonly offset: number
  /** Leaves out the group of calls that have no key. */
  readonly keyedOnly?: boolean | undefined
}

const SUMS = 'requests, failed, input_tokens, output_tokens, total_tokens, cost_micros, billed_micros'

/** A common table expression that groups the one named `calls`. */
export function groupedSql(name: string, dimension: Dimension): string {
  const { key, provider } = DIMENSION_SQL[dimension]
  const select = `SELECT ${key} AS group_key, ${provider} AS group_provider, ${ADDED_SUMS} FROM calls GROUP BY 1, 2`
  return `${name} AS MATERIALIZED (${select})`
}

/** One row over all groups, at place 0. */
export function allGroupsSql(name: string, dimension: Dimension): string {
  const { keyType, allocated } = DIMENSION_SQL[dimension]
  return `
    SELECT CAST(0 AS bigint) AS place, CAST(NULL AS ${keyType}) AS group_key, CAST(NULL AS text) AS group_provider,
      CAST(NULL AS text) AS label, count(*) AS group_count, ${moneyTotalSql(allocated)} AS allocated,
      ${moneyTotalSql('CASE WHEN group_key IS NULL THEN 0 ELSE cost_micros END')} AS keyed_cost, ${ADDED_SUMS}
    FROM ${name}`
}

/** A window on the groups, numbered from 1; names and allocations are looked up for these rows only. */
export function groupPageSql(name: string, dimension: Dimension, window: GroupWindow): SqlPart {
  const { label, allocated } = DIMENSION_SQL[dimension]
  const which = window.keyedOnly === true ? 'WHERE group_key IS NOT NULL' : ''
  return {
    sql: `
      SELECT place, group_key, group_provider, ${label} AS label, CAST(1 AS bigint) AS group_count,
        ${allocated} AS allocated, cost_micros AS keyed_cost, ${SUMS}
      FROM (
        SELECT row_number() OVER (ORDER BY ${orderOf(window)}) AS place, group_key, group_provider, ${SUMS}
        FROM ${name} ${which} ORDER BY place LIMIT ? OFFSET ?
      ) AS page`,
    values: [window.limit, window.offset],
  }
}

/** Ties go by key; what has none comes last, in either direction. */
function orderOf({ column, direction }: GroupWindow): string {
  const keyDirection = column === 'group_key' ? direction : 'asc'
  const byKey = ['group_key', 'group_provider'].map((part) => `${part} IS NULL, ${part} ${keyDirection}`).join(', ')
  return column === 'group_key' ? byKey : `${column} ${direction}, ${byKey}`
}
