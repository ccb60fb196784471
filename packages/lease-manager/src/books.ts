/** What the operations of this package work with besides their transaction: the journals, the clock and the ids of one service. */
import type { Clock, IdSource, IronDatabase, ServiceOptions } from '@iron/database'
import { type Actor, type ActorRef, AuditLog, EventLog, RequestLog } from '@iron/journal'
import type { LeaseTimes } from './lease/decide-overdue.ts'

/** The collaborators of an operation. */
export interface Books {
  readonly audit: AuditLog
  readonly events: EventLog
  readonly requests: RequestLog
  readonly clock: Clock
  readonly ids: IdSource
  readonly times: LeaseTimes
}

/** Options of every service of this package. */
export interface BooksOptions extends ServiceOptions {
  /** Where changes are audited. Default: a log on the same handle; one with a key of its own must be given. */
  readonly audit?: AuditLog | undefined
}

/** Makes the collaborators on the handle their service opened. */
export function openBooks(
  db: IronDatabase,
  options: BooksOptions,
  clock: Clock,
  ids: IdSource,
  times: LeaseTimes,
): Books {
  const sources = { clock: options.clock, ids: options.ids }
  return {
    audit: options.audit ?? new AuditLog(db, sources),
    events: new EventLog(db, sources),
    requests: new RequestLog(db, sources),
    clock,
    ids,
    times,
  }
}

/** Who ends leases whose time is over, whoever's message met them. */
export const SWEEPER: Actor = { type: 'system', id: 'system:sweep' }

/** An agent acting on its own money. */
export function agentActor(agentId: string): Actor {
  return { type: 'agent', id: agentId }
}

/** The `actor_id` of a ledger row: undefined for the agent itself, else a user or `system:<job>` (budget protocol 3.3). */
export function ledgerActor(actor: ActorRef): string | undefined {
  if (typeof actor !== 'object') return String(actor)
  return actor.type === 'agent' ? undefined : (actor.userId ?? actor.id)
}

/** The id of an actor where one must stand. */
export function actorId(actor: ActorRef): string {
  return typeof actor === 'object' ? (actor.userId ?? actor.id) : String(actor)
}

/** Times as events and audit entries carry them. */
export function isoTime(at: number): string {
  return new Date(at).toISOString()
}
