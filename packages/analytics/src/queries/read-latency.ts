import type { ReadTx } from '@iron/database'
import { callsIn, endOf, HOUR_MS, queryPart, startOf } from '@iron/journal'
import { Histogram } from '../histogram.ts'
import type { Latency } from '../totals.ts'
import { type AskedCalls, firstRolledHour } from './find-calls.ts'

/** The latency percentiles of a set of calls. Finished hours are read month by month, which bounds what is in memory. */
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
  let from = (await firstRolledHour(tx, calls)) ?? Infinity
  while (from < end) {
    const to = Math.min(endOf('month', startOf('month', from)), end)
    const slice = { progress, filter: { ...filter, from, to } }
    for (const table of ['request_sums', 'request_rollups'] as const) {
      const start = table === 'request_sums' ? 'start' : 'hour_start'
      const query = callsIn(
        table,
        slice,
        (source) => `SELECT string_agg(latency, '') AS texts ${source} AND latency <> '{}' GROUP BY ${start}`,
      )
      for (const { texts } of await queryPart<{ texts: string }>(tx, query)) {
        await histogram.addTexts(texts)
      }
    }
    from = to
  }
}
