/**
 * Tables in the place of indexes (data-model 8): triggers write their entries for many rows at once, since an index that begins with
 * an agent or an actor would be written for each. What has no entry yet is looked at along its log.
 */
import { AUDIT_ENTRIES_AT_ONCE, ENTRIES_AT_ONCE, EVENTS_AT_ONCE } from '@iron/migrations'

/** The last event that has its entry in `agent_events` when the log has come to `head`; fewer than 1024 events come after it. */
export function lastIndexedEvent(head: number): number {
  return head - (head % EVENTS_AT_ONCE)
}

/** The last row of an agent's ledger that has its entry in `lease_entries` when it has come to `seq`; fewer than 64 rows come after it. */
export function lastIndexedEntry(seq: number): number {
  return seq - (seq % ENTRIES_AT_ONCE)
}

/** The last entry of the audit log that `actor_entries` has when the log has come to `head`; fewer than 1024 entries come after it. */
export function lastIndexedAudit(head: number): number {
  return head - (head % AUDIT_ENTRIES_AT_ONCE)
}

/** Reads a page of at most so many rows. */
type Read<R> = (limit: number) => Promise<readonly R[]>

/** A page of rows of which the `early` ones are in such a table, and the `late` ones not yet; either is asked only for what the page lacks. */
export async function readIndexedAndLate<R>(
  { order, limit }: { readonly order: 'asc' | 'desc'; readonly limit: number },
  early: Read<R>,
  late: Read<R>,
): Promise<readonly R[]> {
  const [first, then] = order === 'asc' ? [early, late] : [late, early]
  const found = await first(limit)
  return found.length === limit ? found : [...found, ...(await then(limit - found.length))]
}
