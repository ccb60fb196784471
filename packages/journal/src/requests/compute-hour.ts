import type { RequestRollupsTable, ReadTx } from '@iron/database'
import { namedSql } from '../named-sql.ts'
import { Counts } from './counts.ts'
import { HOUR_MS, type Progress } from './hours.ts'
import { latencyBucket } from './latency.ts'
import { moneyTotalSql, totalSql } from './sums.ts'

/** A row of `request_rollups` as it is read. */
export type RollupRow = Omit<RequestRollupsTable, 'latency' | 'costs'> & {
  readonly latency: string
  readonly costs: string
}

type Key = Pick<RollupRow, 'subject_id' | 'provider' | 'model' | 'outcome'>

const key = `subject_id, coalesce(provider, '') AS provider, coalesce(model, '') AS model, coalesce(outcome, 'completed') AS outcome`
const groups = `subject_id, coalesce(provider, ''), coalesce(model, ''), coalesce(outcome, 'completed')`
const span = 'received_at >= :from AND received_at < :to'

const sums = namedSql<{ from: number; to: number }, Omit<RollupRow, 'hour_start' | 'latency' | 'costs'>>(
  'hour_sums',
  () => `
    SELECT ${key}, count(*) AS requests,
      ${totalSql('input_tokens')} AS input_tokens, ${totalSql('cache_read_tokens')} AS cache_read_tokens,
      ${totalSql('cache_write_tokens')} AS cache_write_tokens, ${totalSql('output_tokens')} AS output_tokens,
      ${totalSql('reasoning_tokens')} AS reasoning_tokens, ${totalSql('total_tokens')} AS total_tokens,
      ${moneyTotalSql('cost_micros')} AS cost_micros,
      ${moneyTotalSql('CASE WHEN billed = 1 THEN cost_micros ELSE 0 END')} AS billed_micros,
      ${moneyTotalSql("CASE WHEN pricing = 'ceiling' THEN cost_micros ELSE 0 END")} AS ceiling_micros
    FROM requests WHERE ${span} GROUP BY ${groups} ORDER BY 1, 2, 3, 4`,
)

const latencies = namedSql<{ from: number; to: number }, Key & { latency_ms: number; calls: number }>(
  'hour_latencies',
  () => `
    SELECT ${key}, latency_ms, count(*) AS calls
    FROM requests WHERE ${span} AND latency_ms IS NOT NULL GROUP BY ${groups}, latency_ms`,
)

const costs = namedSql<{ from: number; to: number }, Key & { cost_micros: number; calls: number }>(
  'hour_costs',
  () => `
    SELECT ${key}, cost_micros, count(*) AS calls
    FROM requests WHERE ${span} GROUP BY ${groups}, cost_micros`,
)

/** The roll-up rows of one hour, recomputed from the calls of that hour; sorted by key. */
export async function computeHour(
  tx: ReadTx,
  hour: number,
  { costsFrom }: Pick<Progress, 'costsFrom'>,
): Promise<readonly RollupRow[]> {
  const range = { from: hour, to: hour + HOUR_MS }
  const byLatency = new CountsByKey()
  for (const row of await latencies.all(tx, range)) byLatency.add(row, latencyBucket(row.latency_ms), row.calls)
  const byCost = new CountsByKey()
  if (hour >= costsFrom) for (const row of await costs.all(tx, range)) byCost.add(row, row.cost_micros, row.calls)
  const rows = await sums.all(tx, range)
  return rows.map((row) => ({ hour_start: hour, ...row, latency: byLatency.textOf(row), costs: byCost.textOf(row) }))
}

/** Counts of calls, for each row of an hour. */
class CountsByKey {
  readonly #counts = new Map<string, Counts>()

  add(key: Key, value: number, calls: number): void {
    const name = nameOf(key)
    let counts = this.#counts.get(name)
    if (counts === undefined) this.#counts.set(name, (counts = new Counts()))
    counts.add(value, calls)
  }

  textOf(key: Key): string {
    return String(this.#counts.get(nameOf(key)) ?? new Counts())
  }
}

function nameOf({ subject_id, provider, model, outcome }: Key): string {
  return JSON.stringify([subject_id, provider, model, outcome])
}
