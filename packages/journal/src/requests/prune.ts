import type { IronDatabase, WriteTx } from '@iron/database'
import { checkPrune, PRUNE_STEP_ROWS, type PruneOptions } from '../events/prune.ts'
import { namedSql } from '../named-sql.ts'
import { HOUR_MS, hourOf, PRUNED_KEY, readProgress, ROLL_UP_LOCK, setMeta } from './hours.ts'

/** Calls younger than this are never pruned, in milliseconds (data-model 6). */
export const REQUESTS_KEPT_MIN_MS = 60 * 24 * 3_600_000

/**
 * Deletes the calls of whole hours that are rolled up and have not changed since, oldest first. A billed call leaves its key
 * in the same transaction, so that a repeat is still answered with its first charge (DAT-25).
 */
export async function pruneCalls(db: IronDatabase, now: number, options: PruneOptions): Promise<number> {
  const limit = checkPrune(options, now, REQUESTS_KEPT_MIN_MS)
  let deleted = 0
  while (deleted < limit) {
    const step = Math.min(PRUNE_STEP_ROWS, limit - deleted)
    const rows = await db.write((tx) => pruneStep(tx, options.olderThan, step))
    deleted += rows
    if (rows < step) break
  }
  return deleted
}

interface Step {
  readonly end: number
  readonly rows: number
}

const doomed = `SELECT id FROM requests WHERE received_at < :end ORDER BY received_at, id LIMIT :rows`
const columns = 'subject_id, request_id, id, payload_hash, lease_id, cost_micros, overrun_micros, pricing, late'

const keepKeys = namedSql<Step>(
  'prune_keep_keys',
  () =>
    `INSERT INTO request_keys (${columns}) SELECT ${columns} FROM requests WHERE payload_hash IS NOT NULL AND id IN (${doomed})`,
)

const deleteRows = namedSql<Step, { received_at: number }>(
  'prune_delete',
  () => `DELETE FROM requests WHERE id IN (${doomed}) RETURNING received_at`,
)

async function pruneStep(tx: WriteTx, olderThan: number, rows: number): Promise<number> {
  await tx.lock(ROLL_UP_LOCK)
  const { rolledHour, prunedHour, dirtyHours } = await readProgress(tx)
  const end = Math.min(hourOf(olderThan), rolledHour + HOUR_MS, ...dirtyHours.filter((hour) => hour > prunedHour))
  if (rolledHour < 0 || end <= 0) return 0
  const step = { end, rows }
  await keepKeys.run(tx, step)
  const deleted = await deleteRows.all(tx, step)
  const newest = deleted.reduce((latest, row) => Math.max(latest, row.received_at), -1)
  if (newest >= 0 && hourOf(newest) > prunedHour) await setMeta(tx, PRUNED_KEY, String(hourOf(newest)))
  return deleted.length
}
