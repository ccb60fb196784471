/** Prepared reads of leases, for the operations that decide on them. */
import { prepare, type ReadTx } from '@iron/database'
import { byAge, type LeaseState } from './lease.ts'
import { LEASE_COLUMNS, type LeaseRow, leaseState, successorOf } from './lease-row.ts'

const byId = prepare<{ id: string }, LeaseRow>(
  (db, p) =>
    db
      .selectFrom('leases as l')
      .select(LEASE_COLUMNS)
      .select((eb) => successorOf(eb).as('superseded_by'))
      .where('l.id', '=', p('id')),
  { together: { id: 'text' } },
)

const byKey = prepare<{ agentId: string; key: string }, LeaseRow>(
  (db, p) =>
    db
      .selectFrom('leases as l')
      .select(LEASE_COLUMNS)
      .select((eb) => successorOf(eb).as('superseded_by'))
      .where('l.agent_id', '=', p('agentId'))
      .where('l.idempotency_key', '=', p('key')),
  { together: { agentId: 'text', key: 'text' } },
)

const agentOf = prepare<{ id: string }, { agent_id: string }>(
  (db, p) => db.selectFrom('leases').select('agent_id').where('id', '=', p('id')),
  { together: { id: 'text' } },
)

/** An active lease has no successor, so only the named one needs the lookup. */
const activeAndNamed = prepare<{ agentId: string; id: string }, LeaseRow>(
  (db, p) =>
    db
      .selectFrom('leases as l')
      .select(LEASE_COLUMNS)
      .select((eb) => eb.val<string | null>(null).as('superseded_by'))
      .where('l.agent_id', '=', p('agentId'))
      .where('l.status', '=', 'active')
      .unionAll(
        db
          .selectFrom('leases as l')
          .select(LEASE_COLUMNS)
          .select((eb) => successorOf(eb).as('superseded_by'))
          .where('l.id', '=', p('id'))
          .where((eb) => eb.or([eb('l.status', '<>', 'active'), eb('l.agent_id', '<>', p('agentId'))])),
      ),
  { together: { agentId: 'text', id: 'text' } },
)

const dueAndNamed = prepare<
  { agentId: string; id: string; lapsedUpTo: number; cutAbove: number },
  LeaseRow & { readonly open_leases: number }
>(
  (db, p) =>
    db
      .selectFrom('leases as l')
      .select(LEASE_COLUMNS)
      .select((eb) => [
        successorOf(eb).as('superseded_by'),
        eb
          .selectFrom('leases as c')
          .select(eb.fn.countAll<number>().as('open_leases'))
          .where('c.agent_id', '=', p('agentId'))
          .where('c.status', '=', 'active')
          .as('open_leases'),
      ])
      .where('l.id', '=', p('id'))
      .unionAll(
        db
          .selectFrom('leases as l')
          .select(LEASE_COLUMNS)
          .select((eb) => [eb.val<string | null>(null).as('superseded_by'), eb.val(0).as('open_leases')])
          .where('l.agent_id', '=', p('agentId'))
          .where('l.status', '=', 'active')
          .where('l.id', '<>', p('id'))
          .where((eb) => eb.or([eb('l.expires_at', '<=', p('lapsedUpTo')), eb('l.expires_at', '>', p('cutAbove'))])),
      ),
  { together: { agentId: 'text', id: 'text', lapsedUpTo: 'bigint', cutAbove: 'bigint' } },
)

const countOpen = prepare<{ agentId: string }, { open_leases: number }>((db, p) =>
  db
    .selectFrom('leases')
    .select((eb) => eb.fn.countAll<number>().as('open_leases'))
    .where('agent_id', '=', p('agentId'))
    .where('status', '=', 'active'),
)

export async function findLease(tx: ReadTx, id: string): Promise<LeaseState | undefined> {
  const row = await byId.first(tx, { id })
  return row === undefined ? undefined : leaseState(row)
}

export async function findLeaseByKey(tx: ReadTx, agentId: string, key: string): Promise<LeaseState | undefined> {
  const row = await byKey.first(tx, { agentId, key })
  return row === undefined ? undefined : leaseState(row)
}

/** Those of the leases that exist. */
export async function findLeases(tx: ReadTx, ids: readonly string[]): Promise<LeaseState[]> {
  const found = await byId.each(
    tx,
    ids.map((id) => ({ id })),
  )
  return found.flat().map(leaseState)
}

/** Whose a lease is; `undefined` when there is none. */
export async function agentOfLease(tx: ReadTx, id: string): Promise<string | undefined> {
  return (await agentOf.first(tx, { id }))?.agent_id
}

/** Whose each of the leases is that exist. */
export async function agentsOfLeases(tx: ReadTx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = await agentOf.each(
    tx,
    ids.map((id) => ({ id })),
  )
  return new Map(ids.flatMap((id, index) => found[index]?.map((row) => [id, row.agent_id] as const) ?? []))
}

/** How many leases of an agent hold money. */
export async function countOpenLeases(tx: ReadTx, agentId: string): Promise<number> {
  return (await countOpen.first(tx, { agentId }))?.open_leases ?? 0
}

/** Every active lease of an agent, oldest first, and the named lease whatever its state, if it is the agent's. */
export async function readActiveLeases(
  tx: ReadTx,
  agentId: string,
  namedId = '',
): Promise<{ active: readonly LeaseState[]; named: LeaseState | undefined }> {
  const leases = (await activeAndNamed.all(tx, { agentId, id: namedId }))
    .map(leaseState)
    .filter((lease) => lease.agentId === agentId)
  const active = leases.filter((lease) => lease.stored === 'active').sort(byAge)
  return { active, named: leases.find((lease) => lease.id === namedId) }
}

/** What {@link readDueLeases} finds. */
export interface DueLeases {
  /** Oldest first, without the named one. */
  readonly due: readonly LeaseState[]
  readonly named: LeaseState | undefined
  /** The named one included; 0 when there is none of that name. */
  readonly openLeases: number
}

/** The leases of an agent whose time is over or too far ahead, the named lease, and how many are open, in one statement. */
export async function readDueLeases(
  tx: ReadTx,
  agentId: string,
  namedId: string,
  bounds: { readonly lapsedUpTo: number; readonly cutAbove: number },
): Promise<DueLeases> {
  const rows = await dueAndNamed.all(tx, { agentId, id: namedId, ...bounds })
  const leases = rows.map(leaseState).filter((lease) => lease.agentId === agentId)
  return {
    due: leases.filter((lease) => lease.id !== namedId).sort(byAge),
    named: leases.find((lease) => lease.id === namedId),
    openLeases: rows.find((row) => row.id === namedId)?.open_leases ?? 0,
  }
}
