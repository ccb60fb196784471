import type { ReadTx } from '@iron/database'
import type { EventRow } from './event.ts'

/** Which events; every given field must fit. */
export interface EventFilter {
  /** Names (`lease.closed`) or groups (`budget.*`). */
  readonly types?: readonly string[] | undefined
  readonly agentIds?: readonly string[] | undefined
  /** Events of agents that this user owns now. */
  readonly ownerId?: string | undefined
}

/** Where in the log to look, and for how many events. */
export interface Part {
  /** Numbers greater than this, */
  readonly above: number
  /** and not greater than that. */
  readonly upTo: number
  readonly limit: number
  readonly order: 'asc' | 'desc'
}

/** An event as a page has it. */
export type Row = Omit<EventRow, 'dedupe_key'>

/** Its columns. */
export const COLUMNS = ['seq', 'id', 'at', 'type', 'agent_id', 'data'] as const

/**
 * Looks at one event after the other.
 *
 * @param ownerId the owner whose events are looked for without gathering the agents first
 */
export function walk(
  tx: ReadTx,
  filter: EventFilter,
  { above, upTo, limit, order }: Part,
  ownerId?: string,
): Promise<readonly Row[]> {
  let query = tx.sql
    .selectFrom('events')
    .select(COLUMNS)
    .where('seq', '>', above)
    .where('seq', '<=', upTo)
    .orderBy('seq', order)
    .limit(limit)
  if (filter.types !== undefined) query = query.where('type', 'in', filter.types)
  if (filter.agentIds !== undefined) query = query.where('agent_id', 'in', filter.agentIds)
  if (filter.ownerId !== undefined) {
    const owned = tx.sql.selectFrom('agent_owner').select('agent_id').where('owner_id', '=', filter.ownerId)
    query = query.where('agent_id', 'in', owned)
  }
  if (ownerId !== undefined) {
    query = query.where(
      (eb) => eb.selectFrom('agent_owner as o').select('o.owner_id').whereRef('o.agent_id', '=', 'events.agent_id'),
      '=',
      ownerId,
    )
  }
  return query.execute()
}
