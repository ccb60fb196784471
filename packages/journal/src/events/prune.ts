import { Faults, type IronDatabase, type WriteTx } from '@iron/database'
import type { AuditLog } from '../audit-log.ts'
import { invalid } from '../errors.ts'
import { readHead } from '../log-heads.ts'

/** Events younger than this are never pruned, in milliseconds (data-model 6). */
export const EVENTS_KEPT_MIN_MS = 24 * 3_600_000
/** An event further ahead than this was stamped by a clock that stood ahead and tells no age, in milliseconds. */
const EVENT_AHEAD_MAX_MS = 5 * 60_000
/** Rows deleted in one transaction (data-model 6). */
export const PRUNE_STEP_ROWS = 5_000

/** What to prune. */
export interface PruneOptions {
  /** Epoch ms. */
  readonly olderThan: number
  /** Most rows deleted by this call. Default: all that are old enough. */
  readonly limit?: number | undefined
}

/**
 * The floor procedure (data-model 6): one transaction raises the floor and records it, then rows below it are deleted in
 * steps. Interrupted, the next run goes on below the floor.
 */
export async function pruneEvents(
  db: IronDatabase,
  audit: AuditLog,
  now: number,
  options: PruneOptions,
): Promise<number> {
  const limit = checkPrune(options, now, EVENTS_KEPT_MIN_MS)
  const floor = await db.write((tx) => raiseFloor(tx, audit, now, options.olderThan, limit))
  let deleted = 0
  while (deleted < limit) {
    const step = Math.min(PRUNE_STEP_ROWS, limit - deleted)
    const rows = await db.write((tx) => deleteStep(tx, floor, step))
    deleted += rows
    if (rows < step) break
  }
  return deleted
}

/**
 * Checks what is to be pruned; returns the limit.
 *
 * @throws {JournalError} VALIDATION_ERROR
 */
export function checkPrune(options: PruneOptions, now: number, keptMinMs: number): number {
  const faults = new Faults()
  faults.integer('olderThan', options.olderThan, 0)
  faults.check(options.olderThan <= now - keptMinMs, 'olderThan', `must be at least ${keptMinMs / 3_600_000} hours ago`)
  if (options.limit !== undefined) faults.integer('limit', options.limit, 1)
  faults.throwIfAny(invalid('what is to be pruned is not valid'))
  return options.limit ?? Number.MAX_SAFE_INTEGER
}

async function raiseFloor(
  tx: WriteTx,
  audit: AuditLog,
  now: number,
  olderThan: number,
  limit: number,
): Promise<number> {
  // One at a time, so that each entry tells of rows of its own.
  await tx.lock('journal:prune-events')
  const head = await readHead(tx, 'events')
  const oldest = await tx.sql.selectFrom('events').select('seq').orderBy('seq').limit(1).executeTakeFirst()
  const firstKept = await tx.sql
    .selectFrom('events')
    .select('seq')
    .where('seq', '>', head.floor)
    .where('at', '>=', olderThan)
    .where('at', '<=', now + EVENT_AHEAD_MAX_MS)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst()
  const lastOld = await tx.sql
    .selectFrom('events')
    .select('seq')
    .where('seq', '>', head.floor)
    .where('seq', '<', firstKept?.seq ?? head.seq + 1)
    .where('at', '<', olderThan)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  const floor = Math.min(lastOld?.seq ?? head.floor, (oldest?.seq ?? head.floor + 1) - 1 + limit)
  if (floor <= head.floor) return head.floor
  const metadata = { log: 'events', floor, rows: floor - head.floor }
  const actor = { type: 'system', id: 'system:prune' } as const
  await audit.append({ operation: 'LOG_PRUNED', resourceType: 'log', resourceId: 'events', actor, metadata }, { tx })
  await tx.sql.updateTable('log_heads').set({ floor, updated_at: now }).where('name', '=', 'events').execute()
  return floor
}

async function deleteStep(tx: WriteTx, floor: number, rows: number): Promise<number> {
  const { numDeletedRows } = await tx.sql
    .deleteFrom('events')
    .where('seq', 'in', (eb) =>
      eb.selectFrom('events').select('seq').where('seq', '<=', floor).orderBy('seq').limit(rows),
    )
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}
