import type { DeferredQueue, WriteTx } from '@iron/database'
import { insertMany } from '../insert-many.ts'
import { lockHead, type LogHead, lostHead } from '../log-heads.ts'
import type { EventRow, PendingEvent } from './event.ts'

/** Woken after every commit that appended events. */
export const EVENTS_CHANNEL = 'iron_events'

/**
 * Events of one transaction are numbered and written together as its very last statements, whichever service handed them in
 * (budget protocol 12.1): whoever sees number n sees every smaller one (EVT-05).
 */
export const eventQueue: DeferredQueue<PendingEvent> = {
  order: 2,
  flush: async (tx, events) => {
    if (tx.dialect === 'postgres' && events.every((event) => event.dedupe_key === null)) await appendAtHead(tx, events)
    else await appendEvents(tx, await lockHead(tx, 'events'), events)
  },
}

/** Appends events after the locked head, without those whose key is taken; wakes the readers after the commit. */
export async function appendEvents(
  tx: WriteTx,
  head: LogHead,
  events: readonly PendingEvent[],
): Promise<readonly EventRow[]> {
  const fresh = await withoutKnown(tx, events)
  if (fresh.length === 0) return []
  const rows = fresh.map((event, index) => ({ seq: head.seq + index + 1, ...event }))
  await insertEvents(tx, rows)
  tx.notify(EVENTS_CHANNEL, '')
  return rows
}

/** Locks the head and gives the numbers after it in the statement that inserts: everybody who appends waits for the holder of that lock. */
const INSERT_AT_HEAD = `
  WITH head AS MATERIALIZED (SELECT head_seq FROM log_heads WHERE name = 'events' FOR UPDATE)
  INSERT INTO events (seq, id, at, type, agent_id, data)
  SELECT head.head_seq + r.place, r.id, r.at, r.type, r.agent_id, r.data
  FROM head, unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[])
    WITH ORDINALITY AS r (id, at, type, agent_id, data, place)
  ORDER BY r.place`

/** As {@link appendEvents} of events without keys, in one round trip on PostgreSQL. */
async function appendAtHead(tx: WriteTx, events: readonly PendingEvent[]): Promise<void> {
  const parameters = (['id', 'at', 'type', 'agent_id', 'data'] as const).map((name) =>
    events.map((event) => event[name]),
  )
  const query = { sql: INSERT_AT_HEAD, parameters, name: 'journal_events_at_head' }
  const { numAffectedRows } = await tx.execute(query)
  if (numAffectedRows !== BigInt(events.length)) throw lostHead()
  tx.notify(EVENTS_CHANNEL, '')
}

const insertEvents = insertMany<EventRow>('events', {
  seq: 'bigint',
  id: 'text',
  at: 'bigint',
  type: 'text',
  agent_id: 'text',
  dedupe_key: 'text',
  data: 'text',
})

/** Under the lock of the head nobody else can take a key between this look and the insert. */
async function withoutKnown(tx: WriteTx, events: readonly PendingEvent[]): Promise<readonly PendingEvent[]> {
  const keys = events.map((event) => event.dedupe_key).filter((key) => key !== null)
  if (keys.length === 0) return events
  const taken = await tx.sql.selectFrom('events').select('dedupe_key').where('dedupe_key', 'in', keys).execute()
  const known = new Set(taken.map((row) => row.dedupe_key))
  return events.filter((event) => {
    if (event.dedupe_key === null) return true
    if (known.has(event.dedupe_key)) return false
    known.add(event.dedupe_key)
    return true
  })
}
