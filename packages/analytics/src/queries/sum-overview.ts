import type { ReadTx } from '@iron/database'
import { ADDED_SUMS, type CallSums, callSums, MODEL_KEY, PROVIDER_KEY, queryPart, SUBJECT_KEY } from '@iron/journal'
import type { Dimension } from '../dimension.ts'
import { type GroupRecord, type GroupRow, groupRowOf } from '../group-row.ts'
import { type Totals, totalsOf } from '../totals.ts'
import { groupedSql, groupPageSql } from './group-sql.ts'
import type { AskedCalls } from './find-calls.ts'
import { readLatency } from './read-latency.ts'

/** Agents and models in an overview (http-api 4.15). */
const TOP_MAX = 5
/** Providers in an overview: as many as on the longest page. */
const PROVIDERS_MAX = 100

/** What a dashboard shows first. */
export interface Overview {
  readonly totals: Totals
  /** At most 5, dearest first. */
  readonly topAgents: readonly GroupRow[]
  /** At most 5, dearest first. */
  readonly topModels: readonly GroupRow[]
  /** At most 100, dearest first. */
  readonly byProvider: readonly GroupRow[]
}

type Part = 'all' | 'agent' | 'model' | 'provider'
type OverviewRecord = GroupRecord & { readonly part: Part }

/** An overview of a set of calls. The calls are gone through once for all its parts. */
export async function sumOverview(tx: ReadTx, calls: AskedCalls): Promise<Overview> {
  const records = await readParts(tx, calls)
  const rowsOf = (part: Dimension & Part): readonly GroupRow[] =>
    Object.freeze(records.filter((record) => record.part === part).map((record) => groupRowOf(record, part)))
  const all = records.find((record) => record.part === 'all') as CallSums
  return Object.freeze({
    totals: totalsOf(all, await readLatency(tx, calls)),
    topAgents: rowsOf('agent'),
    topModels: rowsOf('model'),
    byProvider: rowsOf('provider'),
  })
}

async function readParts(tx: ReadTx, calls: AskedCalls): Promise<readonly OverviewRecord[]> {
  const sums = callSums(calls, [SUBJECT_KEY, PROVIDER_KEY, MODEL_KEY])
  const dearest = { column: 'cost_micros', direction: 'desc', offset: 0 } as const
  const pages = [
    { part: 'agent', page: groupPageSql('agents', 'agent', { ...dearest, limit: TOP_MAX, keyedOnly: true }) },
    { part: 'model', page: groupPageSql('models', 'model', { ...dearest, limit: TOP_MAX }) },
    { part: 'provider', page: groupPageSql('providers', 'provider', { ...dearest, limit: PROVIDERS_MAX }) },
  ] as const
  const selected = pages.map(({ part, page }) => `SELECT '${part}' AS part, ${part}.* FROM (${page.sql}) AS ${part}`)
  return queryPart<OverviewRecord>(tx, {
    sql: `
      WITH calls AS MATERIALIZED (${sums.sql}),
        ${groupedSql('agents', 'agent')}, ${groupedSql('models', 'model')}, ${groupedSql('providers', 'provider')}
      SELECT 'all' AS part, CAST(0 AS bigint) AS place, CAST(NULL AS text) AS group_key, CAST(NULL AS text) AS group_provider,
        CAST(NULL AS text) AS label, CAST(1 AS bigint) AS group_count, CAST(NULL AS bigint) AS allocated,
        CAST(0 AS bigint) AS keyed_cost, ${ADDED_SUMS} FROM calls
      UNION ALL ${selected.join(' UNION ALL ')} ORDER BY part, place`,
    values: [...sums.values, ...pages.flatMap(({ page }) => page.values)],
  })
}
