import type { RequestRollupsTable, ReadTx } from '@iron/database'
import { namedSql } from '../named-sql.ts'
import { HOUR_MS } from './hours.ts'
import { latencyBucket } from './latency.ts'

/** A row of `request_rollups` as it is read. */
export type RollupRow = Omit<RequestRollupsTable, 'latency'> & { readonly latency: string }

type Key = Pick<RollupRow, 'subject_id' | 'provider' | 'model' | 'outcome'>

const key = `subject_id, coalesce(provider, '') AS provider, coalesce(model, '') AS model, coalesce(outcome, 'completed') AS outcome`
const groups = `subject_id, coalesce(provider, ''), coalesce(model, ''), coalesce(outcome, 'completed')`
const span = 'received_at >= :from AND received_at < :to'

function total(expression: string): string {
  return `CAST(coalesce(sum(${expression}), 0) AS bigint)`
}

const sums = namedSql<{ from: number; to: number }, Omit<RollupRow, 'hour_start' | 'latency'>>(
  'hour_sums',
  () => `
    SELECT ${key}, count(*) AS requests,
      ${total('input_tokens')} AS input_tokens, ${total('cache_read_tokens')} AS cache_read_tokens,
      ${total('cache_write_tokens')} AS cache_write_tokens, ${total('output_tokens')} AS output_tokens,
      ${total('reasoning_tokens')} AS reasoning_tokens, ${total('total_tokens')} AS total_tokens,
      ${total('cost_micros')} AS cost_micros,
      ${total('CASE WHEN billed = 1 THEN cost_micros ELSE 0 END')} AS billed_micros,
      ${total("CASE WHEN pricing = 'ceiling' THEN cost_micros ELSE 0 END")} AS ceiling_micros
    FROM requests WHERE ${span} GROUP BY ${groups} ORDER BY 1, 2, 3, 4`,
)

const latencies = namedSql<{ from: number; to: number }, Key & { latency_ms: number; calls: number }>(
  'hour_latencies',
  () => `
    SELECT ${key}, latency_ms, count(*) AS calls
    FROM requests WHERE ${span} AND latency_ms IS NOT NULL GROUP BY ${groups}, latency_ms`,
)

/** The roll-up rows of one hour, recomputed from the calls of that hour; sorted by key. */
export async function computeHour(tx: ReadTx, hour: number): Promise<readonly RollupRow[]> {
  const range = { from: hour, to: hour + HOUR_MS }
  const histograms = new Map<string, Record<string, number>>()
  for (const row of await latencies.all(tx, range)) {
    const name = nameOf(row)
    const histogram = histograms.get(name) ?? {}
    const bucket = String(latencyBucket(row.latency_ms))
    histogram[bucket] = (histogram[bucket] ?? 0) + row.calls
    histograms.set(name, histogram)
  }
  const rows = await sums.all(tx, range)
  // Members that are whole numbers stand in ascending order, so that equal histograms are equal texts.
  return rows.map((row) => ({ hour_start: hour, ...row, latency: JSON.stringify(histograms.get(nameOf(row)) ?? {}) }))
}

function nameOf({ subject_id, provider, model, outcome }: Key): string {
  return JSON.stringify([subject_id, provider, model, outcome])
}
