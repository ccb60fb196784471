import { lastIndexedAudit, readIndexedAndLate, type ReadTx } from '@iron/database'
import { readHead } from '../log-heads.ts'
import { allOf, queryPart, type SqlPart } from '../sql-part.ts'
import type { AuditRow } from './entry.ts'

/** Where in the log to look, and for how many entries. */
export interface AuditPart {
  /** Numbers greater than this, */
  readonly above: number
  /** and smaller than that. */
  readonly below: number
  readonly limit: number
  readonly order: 'asc' | 'desc'
}

/** What an actor did; the other fields are asked of one entry after the other. */
interface ActorFilter {
  readonly actorId: string
  readonly resourceType?: string | undefined
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/** Entries of an actor: by their index, and by `find` those that are not in it yet. */
export async function entriesOfActor(
  tx: ReadTx,
  filter: ActorFilter,
  part: AuditPart,
  find: (rest: AuditPart) => Promise<readonly AuditRow[]>,
): Promise<readonly AuditRow[]> {
  const indexed = lastIndexedAudit((await readHead(tx, 'audit')).seq)
  return readIndexedAndLate(
    part,
    (limit) => readIndexed(tx, filter, { ...part, below: Math.min(part.below, indexed + 1), limit }),
    (limit) => find({ ...part, above: Math.max(part.above, indexed), limit }),
  )
}

/** As many entries as the page holds are found before the rows themselves are read. */
function readIndexed(
  tx: ReadTx,
  { actorId, resourceType, from, to }: ActorFilter,
  { above, below, limit, order }: AuditPart,
): Promise<readonly AuditRow[]> {
  const asked: SqlPart[] = []
  if (resourceType !== undefined) asked.push({ sql: 'l.resource_type = ?', values: [resourceType] })
  if (from !== undefined) asked.push({ sql: 'l.at >= ?', values: [from] })
  if (to !== undefined) asked.push({ sql: 'l.at < ?', values: [to] })
  const conditions: SqlPart[] = [{ sql: 'i.actor_id = ? AND i.seq > ? AND i.seq < ?', values: [actorId, above, below] }]
  if (asked.length > 0) {
    const { sql, values } = allOf(asked)
    conditions.push({ sql: `(SELECT ${sql} FROM audit_log l WHERE l.seq = i.seq)`, values })
  }
  const { sql, values } = allOf(conditions)
  const page = `SELECT i.seq FROM actor_entries i WHERE ${sql} ORDER BY i.seq ${order} LIMIT ?`
  return queryPart<AuditRow>(tx, {
    sql: `SELECT a.* FROM (${page}) AS p CROSS JOIN audit_log a WHERE a.seq = p.seq ORDER BY p.seq ${order}`,
    values: [...values, limit],
  })
}
