import type { DeferredQueue, WriteTx } from '@iron/database'
import { insertMany } from '../insert-many.ts'
import { lockHead, type LogHead } from '../log-heads.ts'
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
    await appendEvents(tx, await lockHead(tx, 'events'), events)
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
