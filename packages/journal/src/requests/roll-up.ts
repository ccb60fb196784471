import { Faults, type IronDatabase, type ReadTx, type WriteTx } from '@iron/database'
import { invalid } from '../errors.ts'
import { insertMany } from '../insert-many.ts'
import { computeHour, type RollupRow } from './compute-hour.ts'
import { countDifferences } from './count-differences.ts'
import {
  forgetChange,
  HOUR_MS,
  hourOf,
  type Progress,
  readProgress,
  ROLL_UP_LOCK,
  ROLLED_KEY,
  setMeta,
} from './hours.ts'
import { addHour, rebuildSums, subtractHour, sumHours } from './sum-hours.ts'
import { verifySums } from './verify-sums.ts'

/** How long an hour must be over, in milliseconds: longer than any write transaction may last (data-model 3.6). */
export const HOUR_SETTLED_MS = 5 * 60_000
/** Hours per call when nothing else is said. */
const HOURS_DEFAULT = 100

/** The result of comparing roll-ups with their calls. */
export interface RollupCheck {
  /** Hours that were compared: those that still have their calls. */
  readonly hours: number
  /** Rows that are missing, too many, or say something else. */
  readonly differences: number
  /** The same for their sums, which are compared with the roll-ups, pruned hours included. */
  readonly sumDifferences: number
}

/**
 * Rolls up the oldest hours that need it and adds the oldest to the sums, each in a transaction of its own; returns how many of
 * one or the other, whichever are more.
 */
export async function rollUpHours(db: IronDatabase, now: number, limit: number = HOURS_DEFAULT): Promise<number> {
  const faults = new Faults()
  faults.integer('limit', limit, 1)
  faults.throwIfAny(invalid('the limit is not valid'))
  let hours = 0
  while (hours < limit && (await db.write((tx) => rollUpNext(tx, now)))) hours += 1
  return Math.max(hours, await sumHours(db, limit))
}

/** Computes the oldest hour that changed or is not rolled up yet. False when there is none. */
async function rollUpNext(tx: WriteTx, now: number): Promise<boolean> {
  await tx.lock(ROLL_UP_LOCK)
  const progress = await readProgress(tx)
  const dirty = progress.dirtyHours[0]
  if (dirty !== undefined) {
    await forgetChange(tx, dirty)
    // What lost rows cannot be recomputed; such an hour is never noted, except by a clock that is months off.
    if (dirty > progress.prunedHour) await rewriteHour(tx, dirty, progress)
    return true
  }
  const settled = hourOf(now - HOUR_SETTLED_MS) - HOUR_MS
  if (settled <= progress.rolledHour) return false
  const next = await nextHour(tx, progress)
  if (next === undefined || next > settled) {
    // Hours without calls need no rows; only the position moves on.
    await setMeta(tx, ROLLED_KEY, String(settled))
    return false
  }
  await writeHour(tx, next, progress)
  await setMeta(tx, ROLLED_KEY, String(next))
  return true
}

async function nextHour(tx: ReadTx, { rolledHour }: Progress): Promise<number | undefined> {
  const from = rolledHour < 0 ? 0 : rolledHour + HOUR_MS
  const first = await tx.sql
    .selectFrom('requests')
    .select('received_at')
    .where('received_at', '>=', from)
    .orderBy('received_at')
    .limit(1)
    .executeTakeFirst()
  return first === undefined ? undefined : hourOf(first.received_at)
}

/** Writes an hour whose figures may be in the sums already. */
async function rewriteHour(tx: WriteTx, hour: number, progress: Progress): Promise<void> {
  const isSummed = hour <= progress.summedHour
  const fits = isSummed && (await subtractHour(tx, hour))
  await writeHour(tx, hour, progress)
  if (fits) await addHour(tx, hour)
  else if (isSummed) await rebuildSums(tx, hour)
}

async function writeHour(tx: WriteTx, hour: number, progress: Progress): Promise<void> {
  await tx.sql.deleteFrom('request_rollups').where('hour_start', '=', hour).execute()
  await insertRollups(tx, await computeHour(tx, hour, progress))
}

const insertRollups = insertMany<RollupRow>('request_rollups', {
  hour_start: 'bigint',
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

/** Which hours to compare, epoch ms. */
export interface RollupRange {
  /** Default: the first hour that still has its calls. */
  readonly from?: number | undefined
  /** Exclusive. Default: the last hour that is rolled up. */
  readonly to?: number | undefined
  /** Writes the differing hours again. Default false. */
  readonly repair?: boolean | undefined
}

/** Compares the roll-ups with a recomputation from the calls, hour by hour, as long as the calls are kept. */
export async function verifyHours(db: IronDatabase, range: RollupRange): Promise<RollupCheck> {
  let hours = 0
  let differences = 0
  let from = range.from ?? 0
  for (;;) {
    const start = from
    const checked = await db.write((tx) => verifyNext(tx, start, range))
    if (checked === undefined) return Object.freeze({ hours, differences, sumDifferences: await verifySums(db, range) })
    hours += 1
    differences += checked.differences
    from = checked.hour + HOUR_MS
  }
}

/** Hours noted as changed are left to the next roll-up: that they differ is known. */
async function verifyNext(
  tx: WriteTx,
  from: number,
  range: RollupRange,
): Promise<{ readonly hour: number; readonly differences: number } | undefined> {
  await tx.lock(ROLL_UP_LOCK)
  const progress = await readProgress(tx)
  const { rolledHour, prunedHour, dirtyHours } = progress
  const end = Math.min(range.to ?? Infinity, rolledHour + HOUR_MS)
  let hour = Math.max(hourOf(from), prunedHour < 0 ? 0 : prunedHour + HOUR_MS)
  for (;;) {
    const next = await nextKnownHour(tx, hour)
    if (next === undefined || next >= end) return undefined
    hour = next
    if (!dirtyHours.includes(hour)) break
    hour += HOUR_MS
  }
  const stored = await tx.sql.selectFrom('request_rollups').selectAll().where('hour_start', '=', hour).execute()
  const differences = countDifferences(stored, await computeHour(tx, hour, progress))
  // Sums are not changed along: they are compared, and written again, once all hours are right.
  if (differences > 0 && range.repair === true) await writeHour(tx, hour, progress)
  return { hour, differences }
}

/** The next hour that has calls or roll-ups. */
async function nextKnownHour(tx: ReadTx, from: number): Promise<number | undefined> {
  const call = await tx.sql
    .selectFrom('requests')
    .select('received_at')
    .where('received_at', '>=', from)
    .orderBy('received_at')
    .limit(1)
    .executeTakeFirst()
  const rollup = await tx.sql
    .selectFrom('request_rollups')
    .select('hour_start')
    .where('hour_start', '>=', from)
    .orderBy('hour_start')
    .limit(1)
    .executeTakeFirst()
  if (call === undefined) return rollup?.hour_start
  return rollup === undefined ? hourOf(call.received_at) : Math.min(hourOf(call.received_at), rollup.hour_start)
}
