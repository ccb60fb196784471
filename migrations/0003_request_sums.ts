/**
 * Sums of the hourly roll-ups by day and month for each agent and token, by hour, day and month for all together (data-model 3.6). The table starts empty:
 * hours that are rolled up already are added by the roll-ups that follow, and until then are read as before.
 */
import { byDefault, count, json, money, oneOf, text, time } from './0001_baseline/columns.ts'
import { createTable } from './0001_baseline/create-table.ts'
import type { AnySchema, Engine } from './step.ts'

export async function up(db: AnySchema, engine: Engine): Promise<void> {
  await createTable(db, engine, {
    name: 'request_sums',
    columns: {
      grain: oneOf('hour', 'day', 'month', 'each_day', 'each_month'),
      start: time(),
      subject_id: text(0, 255),
      provider: text(0, 100),
      model: text(0, 255),
      outcome: oneOf('completed', 'failed'),
      requests: count(1),
      input_tokens: count(),
      cache_read_tokens: count(),
      cache_write_tokens: count(),
      output_tokens: count(),
      reasoning_tokens: count(),
      total_tokens: count(),
      cost_micros: money(),
      billed_micros: money(),
      ceiling_micros: money(),
      latency: byDefault(json(), '{}'),
    },
    primaryKey: ['grain', 'start', 'subject_id', 'provider', 'model', 'outcome'],
    indexes: { subject: { columns: ['subject_id', 'start'] } },
    clustered: true,
  })
}
