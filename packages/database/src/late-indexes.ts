/**
 * Tables in the place of indexes (data-model 8): triggers write their entries for many rows at once, since an index that begins with
 * an agent would be written for each. What has no entry yet is looked at along its log.
 */
import { ENTRIES_AT_ONCE, EVENTS_AT_ONCE } from '@iron/migrations'

/** The last event that has its entry in `agent_events` when the log has come to `head`; fewer than 1024 events come after it. */
export function lastIndexedEvent(head: number): number {
  return head - (head % EVENTS_AT_ONCE)
}

/** The last row of an agent's ledger that has its entry in `lease_entries` when it has come to `seq`; fewer than 64 rows come after it. */
export function lastIndexedEntry(seq: number): number {
  return seq - (seq % ENTRIES_AT_ONCE)
}
