/** The statements on the leases table. Rows are protected by the lock on their agent's budget row (budget protocol 12.1). */
import {
  type IronSchema,
  type LeasesTable,
  type Parameter,
  prepare,
  type ReadTx,
  type SetType,
  type WriteTx,
} from '@iron/database'
import type { Kysely } from 'kysely'
import { lostRace } from '../budget/budget-row.ts'
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

const byId = prepare<{ id: string }, LeaseRow>(
  (db, p) =>
    db
      .selectFrom('leases as l')
      .select(LEASE_COLUMNS)
      .select((eb) =>
        eb.selectFrom('leases as n').select('n.id').whereRef('n.supersedes', '=', 'l.id').as('superseded_by'),
      )
      .where('l.id', '=', p('id')),
  { together: { id: 'text' } },
)

const byKey = prepare<{ agentId: string; key: string }, LeaseRow>(
  (db, p) =>
    db
      .selectFrom('leases as l')
      .select(LEASE_COLUMNS)
      .select((eb) =>
        eb.selectFrom('leases as n').select('n.id').whereRef('n.supersedes', '=', 'l.id').as('superseded_by'),
      )
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
          .select((eb) =>
            eb.selectFrom('leases as n').select('n.id').whereRef('n.supersedes', '=', 'l.id').as('superseded_by'),
          )
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
        eb.selectFrom('leases as n').select('n.id').whereRef('n.supersedes', '=', 'l.id').as('superseded_by'),
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

const insert = prepare<Omit<LeaseRow, 'superseded_by'>>(
  (db, p) =>
    db.insertInto('leases').values({
      id: p('id'),
      agent_id: p('agent_id'),
      supersedes: p('supersedes'),
      provider_id: p('provider_id'),
      runtime_id: p('runtime_id'),
      idempotency_key: p('idempotency_key'),
      status: p('status'),
      requested_micros: p('requested_micros'),
      granted_micros: p('granted_micros'),
      spent_micros: p('spent_micros'),
      released_micros: p('released_micros'),
      overrun_micros: p('overrun_micros'),
      unreported_micros: p('unreported_micros'),
      created_at: p('created_at'),
      expires_at: p('expires_at'),
      closed_at: p('closed_at'),
      close_reason: p('close_reason'),
      returned_at: p('returned_at'),
      return_spent_micros: p('return_spent_micros'),
    }),
  {
    together: {
      id: 'text',
      agent_id: 'text',
      supersedes: 'text',
      provider_id: 'text',
      runtime_id: 'text',
      idempotency_key: 'text',
      status: 'text',
      requested_micros: 'bigint',
      granted_micros: 'bigint',
      spent_micros: 'bigint',
      released_micros: 'bigint',
      overrun_micros: 'bigint',
      unreported_micros: 'bigint',
      created_at: 'bigint',
      expires_at: 'bigint',
      closed_at: 'bigint',
      close_reason: 'text',
      returned_at: 'bigint',
      return_spent_micros: 'bigint',
    },
    key: 'id',
  },
)

/** What a report changes of a lease. */
interface FiguresUpdate {
  readonly id: string
  readonly wasStored: LeaseState['stored']
  readonly wasSpent: LeaseState['spent']
  readonly wasOverrun: LeaseState['overrun']
  readonly wasUnreported: LeaseState['unreported']
  readonly spent: LeaseState['spent']
  readonly overrun: LeaseState['overrun']
  readonly unreported: LeaseState['unreported']
  readonly expiresAt: number
}

/** What its end changes besides. */
interface EndUpdate {
  readonly stored: LeaseState['stored']
  readonly released: LeaseState['released']
  readonly closedAt: number | null
  readonly closeReason: LeaseState['closeReason']
  readonly returnedAt: number | null
  readonly returnSpent: LeaseState['returnSpent']
}

const FIGURES_TYPES: Readonly<Record<keyof FiguresUpdate, SetType>> = {
  id: 'text',
  wasStored: 'text',
  wasSpent: 'bigint',
  wasOverrun: 'bigint',
  wasUnreported: 'bigint',
  spent: 'bigint',
  overrun: 'bigint',
  unreported: 'bigint',
  expiresAt: 'bigint',
}

const END_TYPES: Readonly<Record<keyof EndUpdate, SetType>> = {
  stored: 'text',
  released: 'bigint',
  closedAt: 'bigint',
  closeReason: 'text',
  returnedAt: 'bigint',
  returnSpent: 'bigint',
}

const END_NAMES = Object.keys(END_TYPES) as readonly (keyof EndUpdate)[]

function guardedUpdate(db: Kysely<IronSchema>, p: Parameter<FiguresUpdate>) {
  return db
    .updateTable('leases')
    .set({
      spent_micros: p('spent'),
      overrun_micros: p('overrun'),
      unreported_micros: p('unreported'),
      expires_at: p('expiresAt'),
    })
    .where('id', '=', p('id'))
    .where('status', '=', p('wasStored'))
    .where('spent_micros', '=', p('wasSpent'))
    .where('overrun_micros', '=', p('wasOverrun'))
    .where('unreported_micros', '=', p('wasUnreported'))
}

/** A status is named where it changes and nowhere else: SQLite writes the index of every column that is named. */
const updateFigures = prepare<FiguresUpdate>(guardedUpdate, { together: FIGURES_TYPES })

const updateAll = prepare<FiguresUpdate & EndUpdate>(
  (db, p) =>
    guardedUpdate(db, p as Parameter<FiguresUpdate>).set({
      status: p('stored'),
      released_micros: p('released'),
      closed_at: p('closedAt'),
      close_reason: p('closeReason'),
      returned_at: p('returnedAt'),
      return_spent_micros: p('returnSpent'),
    }),
  { together: { ...FIGURES_TYPES, ...END_TYPES } },
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

/** The leases of an agent whose time is over or too far ahead, the named lease, and how many are open, in one statement. */
export async function readDueLeases(
  tx: ReadTx,
  agentId: string,
  namedId: string,
  bounds: { readonly lapsedUpTo: number; readonly cutAbove: number },
): Promise<{ due: readonly LeaseState[]; named: LeaseState | undefined; openLeases: number }> {
  const rows = await dueAndNamed.all(tx, { agentId, id: namedId, ...bounds })
  const leases = rows.map(leaseState).filter((lease) => lease.agentId === agentId)
  return {
    due: leases.filter((lease) => lease.id !== namedId).sort(byAge),
    named: leases.find((lease) => lease.id === namedId),
    openLeases: rows.find((row) => row.id === namedId)?.open_leases ?? 0,
  }
}

export async function insertLease(tx: WriteTx, lease: LeaseState): Promise<void> {
  await insert.run(tx, {
    id: lease.id,
    agent_id: lease.agentId,
    supersedes: lease.supersedes,
    provider_id: lease.providerId,
    runtime_id: lease.runtimeId,
    idempotency_key: lease.idempotencyKey,
    status: lease.stored,
    requested_micros: lease.requested,
    granted_micros: lease.granted,
    spent_micros: lease.spent,
    released_micros: lease.released,
    overrun_micros: lease.overrun,
    unreported_micros: lease.unreported,
    created_at: lease.createdAt,
    expires_at: lease.expiresAt,
    closed_at: lease.closedAt,
    close_reason: lease.closeReason,
    returned_at: lease.returnedAt,
    return_spent_micros: lease.returnSpent,
  })
}

/** What of a lease may change. */
export type LeaseChange = Partial<
  Pick<
    LeaseState,
    | 'stored'
    | 'spent'
    | 'released'
    | 'overrun'
    | 'unreported'
    | 'expiresAt'
    | 'closedAt'
    | 'closeReason'
    | 'returnedAt'
    | 'returnSpent'
  >
>

/** Changes a lease that still is what was read. @throws {DatabaseError} DATABASE_BUSY, to be run again, when it is not */
export async function updateLease(tx: WriteTx, lease: LeaseState, change: LeaseChange): Promise<LeaseState> {
  const next: LeaseState = { ...lease, ...change }
  const update = updateOf(lease, next)
  const updated = await (ends(lease, next) ? updateAll.run(tx, update) : updateFigures.run(tx, update))
  if (updated !== 1) throw lostRace(CHANGED)
  return next
}

/** Changes leases that still are what was read; the changes travel together. @throws {DatabaseError} as {@link updateLease} */
export async function updateLeases(
  tx: WriteTx,
  changes: readonly { readonly from: LeaseState; readonly to: LeaseState }[],
): Promise<void> {
  const results = await tx.executeAll(
    changes.map(({ from, to }) => (ends(from, to) ? updateAll : updateFigures).bind(tx.dialect, updateOf(from, to))),
  )
  if (results.some(({ numAffectedRows }) => numAffectedRows !== 1n)) throw lostRace(CHANGED)
}

const CHANGED = 'the lease changed under the lock of its agent'

function ends(lease: LeaseState, next: LeaseState): boolean {
  return END_NAMES.some((name) => next[name] !== lease[name])
}

function updateOf(lease: LeaseState, next: LeaseState): FiguresUpdate & EndUpdate {
  return {
    ...next,
    wasStored: lease.stored,
    wasSpent: lease.spent,
    wasOverrun: lease.overrun,
    wasUnreported: lease.unreported,
  }
}

/** Oldest first; ids break ties. */
export function byAge(a: LeaseState, b: LeaseState): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)
}
