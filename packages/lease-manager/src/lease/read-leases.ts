/** Reading leases. Their status is derived from the same time that decides about them (budget protocol 11.2, MON-23). */
import {
  type AtTx,
  type Clock,
  type Cursor,
  type CursorPage,
  cursorPage,
  cursorWindow,
  Faults,
  type ReadTx,
} from '@iron/database'
import { agentNow, CLOCK_TOLERANCE_MS } from '../budget/agent-now.ts'
import { type Lease, LEASE_STATUSES, type LeaseStatus, publicLease } from './lease.ts'
import { LEASE_COLUMNS, type LeaseRow, leaseState, successorOf } from './lease-row.ts'
import { refuseFaults } from './validate.ts'

/** Which leases. */
export interface LeaseFilter {
  readonly agentId?: string | undefined
  readonly status?: LeaseStatus | undefined
}

type DatedRow = LeaseRow & { readonly budget_updated_at: number }

function datedLeases(tx: ReadTx) {
  return tx.sql
    .selectFrom('leases as l')
    .innerJoin('agent_budgets as b', 'b.agent_id', 'l.agent_id')
    .select(LEASE_COLUMNS)
    .select((eb) => ['b.updated_at as budget_updated_at', successorOf(eb).as('superseded_by')])
}

function shown(row: DatedRow, clock: Clock): Lease {
  return publicLease(leaseState(row), agentNow(clock, row.budget_updated_at))
}

export async function getLease(tx: ReadTx, id: string, clock: Clock): Promise<Lease | undefined> {
  const row = await datedLeases(tx).where('l.id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : shown(row, clock)
}

export async function listLeases(
  tx: ReadTx,
  filter: LeaseFilter,
  options: Cursor & AtTx,
  clock: Clock,
): Promise<CursorPage<Lease>> {
  const faults = new Faults()
  if (filter.agentId !== undefined) faults.id('agentId', filter.agentId)
  if (filter.status !== undefined) faults.oneOf('status', filter.status, LEASE_STATUSES)
  refuseFaults(faults)
  const { after, limit, order } = cursorWindow(options, ['number', 'string'])
  const { status } = filter
  const open = status === 'active' || status === 'expired'
  // The leases an agent holds are few and have an index of their own; an order by the bare column would draw engines to the
  // index of all its leases, and a comparison of the bare end to the index by which everybody's leases are found when they lapse.
  let query = datedLeases(tx)
    .orderBy((eb) => (open ? eb.fn.coalesce('l.created_at', eb.lit(0)) : eb.ref('l.created_at')), order)
    .orderBy('l.id', order)
    .limit(limit + 1)
  if (filter.agentId !== undefined) query = query.where('l.agent_id', '=', filter.agentId)
  if (open) {
    const comparison = status === 'active' ? '>' : '<='
    const now = clock.now()
    // agentNow() in SQL.
    query = query.where('l.status', '=', 'active').where((eb) =>
      eb(
        filter.agentId === undefined ? eb.ref('l.expires_at') : eb.fn.coalesce('l.expires_at', eb.lit(0)),
        comparison,
        eb
          .case()
          .when(eb.and([eb('b.updated_at', '>', now), eb('b.updated_at', '<=', now + CLOCK_TOLERANCE_MS)]))
          .then(eb.ref('b.updated_at'))
          .else(eb.cast<number>(eb.val(now), 'bigint'))
          .end(),
      ),
    )
  } else if (status !== undefined) {
    query = query.where('l.status', '=', status)
  }
  if (after !== undefined) {
    const [createdAt, id] = after as readonly [number, string]
    const beyond = order === 'asc' ? '>' : '<'
    // The first condition bounds what is read of the index, which does not hold the id.
    query = query
      .where('l.created_at', order === 'asc' ? '>=' : '<=', createdAt)
      .where((eb) => eb.or([eb('l.created_at', beyond, createdAt), eb('l.id', beyond, id)]))
  }
  return cursorPage(
    await query.execute(),
    limit,
    (row) => shown(row, clock),
    (row) => [row.created_at, row.id],
  )
}
