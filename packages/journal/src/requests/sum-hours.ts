/**
 * Keeps `request_sums`: what the roll-ups of all summed hours add up to, by day and month for each agent and token, by hour, day
 * and month for all together. An hour enters once it is rolled up, and its old figures leave when it is rolled up again; who
 * changes a row of `request_rollups` does it between {@link subtractHour} and {@link addHour}, in one transaction.
 */
import type { IronDatabase, ReadTx, RequestSumsTable, WriteTx } from '@iron/database'
import { insertMany } from '../insert-many.ts'
import { namedSql } from '../named-sql.ts'
import type { RollupRow } from './compute-hour.ts'
import { endOf, isOfEach, keepsCosts, LENGTH_OF, MADE_OF, startOf, SUM_GRAINS, type SumGrain } from './grains.ts'
import { HOUR_MS, type Progress, readProgress, ROLL_UP_LOCK, setMeta, SUMMED_KEY } from './hours.ts'
import { type Figures, Sums } from './summed-figures.ts'

/** A row of `request_sums` as it is read. */
export type SumRow = Omit<RequestSumsTable, 'latency' | 'costs'> & { readonly latency: string; readonly costs: string }

/**
 * Adds the oldest hours that are rolled up and not in the sums; at most `limit`, each in a transaction of its own. Returns how
 * many.
 */
export async function sumHours(db: IronDatabase, limit: number): Promise<number> {
  let hours = 0
  while (hours < limit && (await db.write(sumNext))) hours += 1
  return hours
}

/** False when all are in the sums. */
async function sumNext(tx: WriteTx): Promise<boolean> {
  await tx.lock(ROLL_UP_LOCK)
  const { rolledHour, summedHour } = await readProgress(tx)
  if (summedHour >= rolledHour) return false
  const next = await tx.sql
    .selectFrom('request_rollups')
    .select('hour_start')
    .where('hour_start', '>', summedHour)
    .where('hour_start', '<=', rolledHour)
    .orderBy('hour_start')
    .limit(1)
    .executeTakeFirst()
  if (next !== undefined) await addHour(tx, next.hour_start)
  await setMeta(tx, SUMMED_KEY, String(next?.hour_start ?? rolledHour))
  return next !== undefined
}

/** Adds the roll-ups of an hour. */
export async function addHour(tx: WriteTx, hour: number): Promise<void> {
  if (!(await changeSums(tx, hour, 1))) throw new Error('adding an hour made a sum smaller')
}

/**
 * Takes the roll-ups of an hour out again. False: they were not all in the sums, which are then to be rebuilt by
 * {@link rebuildSums}.
 */
export async function subtractHour(tx: WriteTx, hour: number): Promise<boolean> {
  return changeSums(tx, hour, -1)
}

/** Adds up anew what an hour is in. */
export async function rebuildSums(tx: WriteTx, hour: number): Promise<void> {
  const progress = await readProgress(tx)
  for (const grain of SUM_GRAINS) await rebuildSpan(tx, grain, startOf(LENGTH_OF[grain], hour), progress)
}

/** Adds up one span anew. */
export async function rebuildSpan(tx: WriteTx, grain: SumGrain, start: number, progress: Progress): Promise<void> {
  await tx.sql.deleteFrom('request_sums').where('grain', '=', grain).where('start', '=', start).execute()
  await insertSums(tx, await computeSpan(tx, grain, start, progress))
}

/** The sums of one span, from what they are made of. */
export async function computeSpan(
  tx: ReadTx,
  grain: SumGrain,
  start: number,
  { summedHour }: Progress,
): Promise<readonly SumRow[]> {
  const end = endOf(LENGTH_OF[grain], start)
  const source = MADE_OF[grain]
  const rows: readonly Figures[] =
    source === undefined
      ? await tx.sql
          .selectFrom('request_rollups')
          .selectAll()
          .where('hour_start', '>=', start)
          .where('hour_start', '<', Math.min(end, summedHour + HOUR_MS))
          .execute()
      : await tx.sql
          .selectFrom('request_sums')
          .selectAll()
          .where('grain', '=', source)
          .where('start', '>=', start)
          .where('start', '<', end)
          .execute()
  const sums = new Sums({ costs: keepsCosts(grain) })
  for (const row of rows) sums.add(subjectIn(grain, row), row, 1)
  return sums.rows().map((row) => ({ grain, start, ...row }))
}

const rowsOfHour = namedSql<{ hour: number }, RollupRow>(
  'rollups_of_hour',
  () => 'SELECT * FROM request_rollups WHERE hour_start = :hour',
)

const takeSums = namedSql<{ grain: SumGrain; start: number; hour: number }, SumRow>(
  'sums_take',
  () => `
    DELETE FROM request_sums WHERE grain = :grain AND start = :start
      AND (subject_id, provider, model, outcome) IN (
        SELECT subject_id, provider, model, outcome FROM request_rollups WHERE hour_start = :hour
        UNION SELECT '', provider, model, outcome FROM request_rollups WHERE hour_start = :hour)
    RETURNING *`,
)

async function changeSums(tx: WriteTx, hour: number, sign: 1 | -1): Promise<boolean> {
  const rows = await rowsOfHour.all(tx, { hour })
  for (const grain of SUM_GRAINS) {
    const start = startOf(LENGTH_OF[grain], hour)
    const sums = new Sums({ costs: keepsCosts(grain) })
    for (const row of await takeSums.all(tx, { grain, start, hour })) sums.add(row.subject_id, row, 1)
    for (const row of rows) sums.add(subjectIn(grain, row), row, sign)
    if (!sums.arePossible()) return false
    const changed = sums.rows().map((row) => ({ grain, start, ...row }))
    await insertSums(tx, changed)
  }
  return true
}

function subjectIn(grain: SumGrain, row: Figures): string {
  return isOfEach(grain) ? row.subject_id : ''
}

const insertSums = insertMany<SumRow>('request_sums', {
  grain: 'text',
  start: 'bigint',
  subject_id: 'text',
  provider: 'text',
  model: 'text',
  outcome: 'text',
  requests: 'bigint',
  input_tokens: 'bigint',
  cache_read_tokens: 'bigint',
  cache_write_tokens: 'bigint',
  output_tokens: 'bigint',
  reasoning_tokens: 'bigint',
  total_tokens: 'bigint',
  cost_micros: 'bigint',
  billed_micros: 'bigint',
  ceiling_micros: 'bigint',
  latency: 'text',
  costs: 'text',
})
