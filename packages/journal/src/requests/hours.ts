import type { ReadTx, WriteTx } from '@iron/database'

/** One UTC hour, the grain of the roll-ups. */
export const HOUR_MS = 3_600_000

/** Where the last rolled-up hour is noted; everything up to it is in the roll-ups (data-model 3.6). */
export const ROLLED_KEY = 'rollup.hour'
/** Where the last hour is noted that is in the sums; everything up to it is. */
export const SUMMED_KEY = 'rollup.summed'
/** Where the last hour is noted of which rows were pruned: it cannot be recomputed any more. */
export const PRUNED_KEY = 'rollup.pruned'
/** Where the first hour is noted whose roll-ups count single costs; no note: all do. */
export const COSTS_KEY = 'rollup.costs'
const DIRTY_PREFIX = 'rollup.dirty.'

/**
 * Name of the lock between those who change rows of finished hours (shared) and those who roll hours up or prune them
 * (exclusive): without it a change that commits during a roll-up would be in neither the roll-up nor the notes.
 */
export const ROLL_UP_LOCK = 'journal:roll-up'

/** The start of the UTC hour of an instant. */
export function hourOf(ms: number): number {
  return ms - (ms % HOUR_MS)
}

/** How far the roll-ups and the pruning have come; -1: not begun. */
export interface Progress {
  /** Start of the last hour that is rolled up. */
  readonly rolledHour: number
  /** Start of the last hour that is in the sums; never after `rolledHour`. */
  readonly summedHour: number
  /** Start of the last hour that lost rows. */
  readonly prunedHour: number
  /** Start of the first hour whose roll-ups and sums count single costs; -1: all do. */
  readonly costsFrom: number
  /** Starts of rolled-up hours that have changed since, ascending. */
  readonly dirtyHours: readonly number[]
}

/** Reads how far the roll-ups have come. */
export async function readProgress(tx: ReadTx): Promise<Progress> {
  const rows = await tx.sql
    .selectFrom('meta')
    .selectAll()
    .where('key', '>=', 'rollup.')
    .where('key', '<', 'rollup/')
    .execute()
  const notes = new Map(rows.map((row) => [row.key, row.value]))
  const dirtyHours = [...notes.keys()].filter((key) => key.startsWith(DIRTY_PREFIX))
  return {
    rolledHour: parseHour(notes.get(ROLLED_KEY)),
    summedHour: parseHour(notes.get(SUMMED_KEY)),
    prunedHour: parseHour(notes.get(PRUNED_KEY)),
    costsFrom: parseHour(notes.get(COSTS_KEY)),
    dirtyHours: dirtyHours.map((key) => Number(key.slice(DIRTY_PREFIX.length))).sort((a, b) => a - b),
  }
}

/** The hour a note holds; -1 for none. */
export function parseHour(value: string | null | undefined): number {
  return value === null || value === undefined ? -1 : Number(value)
}

/** Notes that an instant's hour has to be rolled up again, if it has been rolled up already. */
export async function noteChange(tx: WriteTx, at: number, rolledHour: number): Promise<void> {
  const hour = hourOf(at)
  if (hour <= rolledHour) await setMeta(tx, `${DIRTY_PREFIX}${hour}`, String(hour))
}

/** Takes the note of an hour away. */
export async function forgetChange(tx: WriteTx, hour: number): Promise<void> {
  await tx.sql.deleteFrom('meta').where('key', '=', `${DIRTY_PREFIX}${hour}`).execute()
}

/** Writes a note. */
export async function setMeta(tx: WriteTx, key: string, value: string): Promise<void> {
  await tx.sql
    .insertInto('meta')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}
