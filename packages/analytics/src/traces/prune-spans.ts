import { Faults, type IronDatabase, type ReadTx, type WriteTx } from '@iron/database'
import { HOUR_MS, type PruneOptions, queryPart } from '@iron/journal'
import { refuseFaults } from '../errors.ts'

/** Spans younger than this are never pruned, in milliseconds (data-model 6). */
export const SPANS_KEPT_MIN_MS = 24 * HOUR_MS
/** Rows deleted in one transaction (data-model 6). */
const STEP_ROWS = 5_000
/** Where the time is noted before which spans were pruned: cursors before it expire. */
const PRUNED_KEY = 'spans.pruned'

/** Before which time spans may be gone, epoch ms; 0: all are there. */
export async function readPrunedBefore(tx: ReadTx): Promise<number> {
  const note = await tx.sql.selectFrom('meta').select('value').where('key', '=', PRUNED_KEY).executeTakeFirst()
  return Number(note?.value ?? 0)
}

/** Deletes spans received before a time, in short transactions; returns how many. */
export async function pruneSpans(db: IronDatabase, now: number, options: PruneOptions): Promise<number> {
  const { olderThan, limit = Number.MAX_SAFE_INTEGER } = options
  const faults = new Faults()
  faults.integer('olderThan', olderThan, 0)
  faults.check(olderThan <= now - SPANS_KEPT_MIN_MS, 'olderThan', 'must be at least 24 hours ago')
  faults.integer('limit', limit, 1)
  refuseFaults(faults)
  let deleted = 0
  while (deleted < limit) {
    const step = Math.min(STEP_ROWS, limit - deleted)
    const rows = await db.write((tx) => pruneStep(tx, olderThan, step))
    deleted += rows
    if (rows < step) break
  }
  return deleted
}

async function pruneStep(tx: WriteTx, olderThan: number, rows: number): Promise<number> {
  await tx.lock('analytics:prune-spans')
  const gone = await queryPart<{ received_at: number }>(tx, {
    sql: `
      DELETE FROM spans WHERE (trace_id, span_id) IN (
        SELECT trace_id, span_id FROM spans WHERE received_at < ? ORDER BY received_at LIMIT ?) RETURNING received_at`,
    values: [olderThan, rows],
  })
  const newest = gone.reduce((latest, row) => Math.max(latest, row.received_at), -1)
  if (newest >= (await readPrunedBefore(tx))) await notePruned(tx, newest + 1)
  return gone.length
}

async function notePruned(tx: WriteTx, before: number): Promise<void> {
  const value = String(before)
  await tx.sql
    .insertInto('meta')
    .values({ key: PRUNED_KEY, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}
