import { setImmediate } from 'node:timers/promises'
import type { ReadTx } from '@iron/database'
import { callsIn, HOUR_MS, queryPart } from '@iron/journal'
import { Histogram } from '../histogram.ts'
import type { Latency } from '../totals.ts'
import type { AskedCalls } from './find-calls.ts'

/** Roll-ups whose histograms are read at once, in milliseconds: bounds what is in memory and how long the process is held up. */
const SLICE_MS = 48 * HOUR_MS

/** The latency percentiles of a set of calls. */
export async function readLatency(tx: ReadTx, calls: AskedCalls): Promise<Latency> {
  const histogram = new Histogram()
  await addCalls(tx, calls, histogram)
  await addRollups(tx, calls, histogram)
  return { p50Ms: histogram.percentile(50), p95Ms: histogram.percentile(95) }
}

async function addCalls(tx: ReadTx, calls: AskedCalls, histogram: Histogram): Promise<void> {
  const query = callsIn(
    'requests',
    calls,
    (source) => `SELECT latency_ms, count(*) AS calls ${source} AND latency_ms IS NOT NULL GROUP BY latency_ms`,
  )
  for (const row of await queryPart<{ latency_ms: number; calls: number }>(tx, query)) {
    histogram.add(row.latency_ms, row.calls)
  }
}

async function addRollups(tx: ReadTx, calls: AskedCalls, histogram: Histogram): Promise<void> {
  const { filter, progress } = calls
  const end = Math.min(filter.to, progress.rolledHour + HOUR_MS)
  for (let from = await firstHour(tx, filter.from); from < end; from += SLICE_MS) {
    const slice = { progress, filter: { ...filter, from, to: Math.min(from + SLICE_MS, end) } }
    const query = callsIn(
      'request_rollups',
      slice,
      (source) => `SELECT string_agg(latency, '') AS texts ${source} AND latency <> '{}' GROUP BY hour_start`,
    )
    for (const { texts } of await queryPart<{ texts: string }>(tx, query)) histogram.addTexts(texts)
    await setImmediate()
  }
}

/** The first hour there are roll-ups of; Infinity without. */
async function firstHour(tx: ReadTx, from: number): Promise<number> {
  const sql = 'SELECT min(hour_start) AS hour FROM request_rollups WHERE hour_start >= ?'
  const [row] = await queryPart<{ hour: number | null }>(tx, { sql, values: [from] })
  return row?.hour ?? Infinity
}
