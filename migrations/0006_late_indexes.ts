/**
 * Indexes by agent, by lease and by actor that are written late (data-model 8). In an index that begins with an agent each agent has a
 * page of its own, which SQLite writes to its log as a whole whenever the agent does something. Counted with fifty agents at work, those of
 * events and of leases were 128 of the 372 pages of a commit of reports, and that of actors a quarter of those of leases and returns. As
 * tables that triggers fill they are written for many rows at once, in order.
 */
import { sql } from 'kysely'
import { createTable } from './0001_baseline/create-table.ts'
import { actorEntries, createActorEntryTriggers, FILL_ACTOR_ENTRIES } from './0006_late_indexes/actor-entries.ts'
import { agentEvents, createAgentEventTriggers, FILL_AGENT_EVENTS } from './0006_late_indexes/agent-events.ts'
import { createLeaseEntryTriggers, FILL_LEASE_ENTRIES, leaseEntries } from './0006_late_indexes/lease-entries.ts'
import type { AnySchema, Engine } from './step.ts'

/** What the tables stand for. */
const DROPPED = ['audit_log_actor', 'events_agent', 'ledger_entries_lease']

export async function up(db: AnySchema, engine: Engine): Promise<void> {
  for (const table of [actorEntries, agentEvents, leaseEntries]) await createTable(db, engine, table)
  // Triggers first: making them locks the tables, so that what is filled in afterwards is all there is.
  const statements = [
    ...createActorEntryTriggers(engine),
    ...createAgentEventTriggers(engine),
    ...createLeaseEntryTriggers(engine),
    FILL_ACTOR_ENTRIES,
    FILL_AGENT_EVENTS,
    FILL_LEASE_ENTRIES,
    ...DROPPED.map((index) => `DROP INDEX ${index}`),
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
