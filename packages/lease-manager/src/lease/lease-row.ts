/** The row of a lease, as SQL gives it. Rows are protected by the lock on their agent's budget row (budget protocol 12.1). */
import type { IronSchema, LeasesTable } from '@iron/database'
import type { ExpressionBuilder } from 'kysely'
import type { LeaseState } from './lease.ts'

/** The columns of {@link LeaseState} as SQL gives them. */
export interface LeaseRow extends Omit<
  Readonly<LeasesTable>,
  'spent_micros' | 'released_micros' | 'overrun_micros' | 'unreported_micros'
> {
  readonly spent_micros: LeaseState['spent']
  readonly released_micros: LeaseState['released']
  readonly overrun_micros: LeaseState['overrun']
  readonly unreported_micros: LeaseState['unreported']
  readonly superseded_by: string | null
}

export const LEASE_COLUMNS = [
  'l.id',
  'l.agent_id',
  'l.supersedes',
  'l.provider_id',
  'l.runtime_id',
  'l.idempotency_key',
  'l.status',
  'l.requested_micros',
  'l.granted_micros',
  'l.spent_micros',
  'l.released_micros',
  'l.overrun_micros',
  'l.unreported_micros',
  'l.created_at',
  'l.expires_at',
  'l.closed_at',
  'l.close_reason',
  'l.returned_at',
  'l.return_spent_micros',
] as const

export function leaseState(row: LeaseRow): LeaseState {
  return {
    id: row.id,
    agentId: row.agent_id,
    providerId: row.provider_id,
    runtimeId: row.runtime_id,
    idempotencyKey: row.idempotency_key,
    stored: row.status,
    closeReason: row.close_reason,
    requested: row.requested_micros,
    granted: row.granted_micros,
    spent: row.spent_micros,
    released: row.released_micros,
    overrun: row.overrun_micros,
    unreported: row.unreported_micros,
    supersedes: row.supersedes,
    supersededBy: row.superseded_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    closedAt: row.closed_at,
    returnedAt: row.returned_at,
    returnSpent: row.return_spent_micros,
  }
}

/** The id of the lease that supersedes a lease `l`, as a part of its row. */
export function successorOf(eb: ExpressionBuilder<IronSchema & { l: LeasesTable }, 'l'>) {
  return eb.selectFrom('leases as n').select('n.id').whereRef('n.supersedes', '=', 'l.id')
}
