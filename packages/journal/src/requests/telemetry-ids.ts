/** Which events of telemetry were accepted: the first of an id counts (PRI-33). */
import type { IronDatabase, WriteTx } from '@iron/database'
import { PRUNE_STEP_ROWS } from '../events/prune.ts'
import { insertMany } from '../insert-many.ts'
import { namedSql } from '../named-sql.ts'

interface IdRow {
  readonly agent_id: string
  readonly event_id: string
  readonly received_at: number
}

const insertIds = insertMany<IdRow>('telemetry_ids', { agent_id: 'text', event_id: 'text', received_at: 'bigint' })

/** Notes those ids of an agent that are new, and tells which they were. Each id may be given more than once. */
export async function claimEventIds(
  tx: WriteTx,
  agentId: string,
  eventIds: readonly string[],
  now: number,
): Promise<ReadonlySet<string>> {
  const asked = [...new Set(eventIds)]
  if (asked.length === 0) return new Set()
  // One at a time for an agent: between this look and the insert nobody else takes an id.
  await tx.lock(`journal:telemetry:${agentId}`)
  const known = await tx.sql
    .selectFrom('telemetry_ids')
    .select('event_id')
    .where('agent_id', '=', agentId)
    .where('event_id', 'in', asked)
    .execute()
  const fresh = new Set(asked)
  for (const row of known) fresh.delete(row.event_id)
  await insertIds(
    tx,
    [...fresh].map((id) => ({ agent_id: agentId, event_id: id, received_at: now })),
  )
  return fresh
}

const deleteOld = namedSql<{ olderThan: number; rows: number }>(
  'telemetry_ids_prune',
  () => `
    DELETE FROM telemetry_ids WHERE (agent_id, event_id) IN (
      SELECT agent_id, event_id FROM telemetry_ids WHERE received_at < :olderThan ORDER BY received_at LIMIT :rows)`,
)

/** Forgets events received before a time, in short transactions; at most `limit`. */
export async function pruneEventIds(db: IronDatabase, olderThan: number, limit: number): Promise<number> {
  let deleted = 0
  while (deleted < limit) {
    const step = Math.min(PRUNE_STEP_ROWS, limit - deleted)
    const rows = await db.write((tx) => deleteOld.run(tx, { olderThan, rows: step }))
    deleted += rows
    if (rows < step) break
  }
  return deleted
}
