/** What triggers keep, and what it is computed from: for whoever verifies it, or fills tables without triggers. */
import { FILL_COPIES, WRONG_COPIES } from './0005_kept_sums/agents.ts'
import { FILL_RANKS, WRONG_RANKS } from './0005_kept_sums/budget-ranks.ts'
import { BUDGET_SUMS, FILL_BUDGET_SUMS, KEPT_BUDGET_SUMS } from './0005_kept_sums/budget-sums.ts'
import { FILL_LIST_COUNTS, KEPT_LIST_COUNTS, LIST_COUNTS } from './0005_kept_sums/counts.ts'
import { FILL_TAGS, WRONG_TAGS } from './0005_kept_sums/tags.ts'
import { FILL_LATE, KEPT_LATE, LATE } from './0005_kept_sums/late.ts'
import { FILL_ACTOR_ENTRIES, WRONG_ACTOR_ENTRIES } from './0006_late_indexes/actor-entries.ts'
import { FILL_AGENT_EVENTS, WRONG_AGENT_EVENTS } from './0006_late_indexes/agent-events.ts'
import { FILL_LEASE_ENTRIES, WRONG_LEASE_ENTRIES } from './0006_late_indexes/lease-entries.ts'

/** Queries of a kept table: the rows as kept, and as they must be. */
export const kept: Readonly<
  Record<'budget_sums' | 'list_counts' | 'log_heads', { readonly kept: string; readonly computed: string }>
> = {
  budget_sums: { kept: KEPT_BUDGET_SUMS, computed: BUDGET_SUMS },
  list_counts: { kept: KEPT_LIST_COUNTS, computed: LIST_COUNTS },
  log_heads: { kept: KEPT_LATE, computed: LATE },
}

export { AUDIT_ENTRIES_AT_ONCE } from './0006_late_indexes/actor-entries.ts'
export { EVENTS_AT_ONCE } from './0006_late_indexes/agent-events.ts'
export { ENTRIES_AT_ONCE } from './0006_late_indexes/lease-entries.ts'
export { expiryPart } from './0005_kept_sums/counts.ts'

/** Agents whose ranks are wrong. */
export const wrongRanks = WRONG_RANKS

/** Agents beside whose names stands something else than in their budgets, by column. */
export const wrongCopies = WRONG_COPIES

/** Agents whose tags are kept wrongly. */
export const wrongTags = WRONG_TAGS

/** Actors whose entries in the audit log are not those of the index. */
export const wrongActorEntries = WRONG_ACTOR_ENTRIES

/** Agents whose events are not those of the index. */
export const wrongAgentEvents = WRONG_AGENT_EVENTS

/** Leases whose rows in the ledger are not those of the index. */
export const wrongLeaseEntries = WRONG_LEASE_ENTRIES

/** Computes all of it anew. */
export const recompute: readonly string[] = [
  FILL_RANKS,
  FILL_COPIES,
  'DELETE FROM budget_sums',
  FILL_BUDGET_SUMS,
  'DELETE FROM agent_tags',
  FILL_TAGS,
  'DELETE FROM list_counts',
  FILL_LIST_COUNTS,
  FILL_LATE,
  'DELETE FROM actor_entries',
  FILL_ACTOR_ENTRIES,
  'DELETE FROM agent_events',
  FILL_AGENT_EVENTS,
  'DELETE FROM lease_entries',
  FILL_LEASE_ENTRIES,
]
