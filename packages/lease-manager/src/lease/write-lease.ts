/** Inserts and guarded updates of leases: a change repeats what was read as its condition. */
import { type IronSchema, type Parameter, prepare, type SetType, type WriteTx } from '@iron/database'
import type { Kysely } from 'kysely'
import { lostRace } from '../budget/budget-row.ts'
import type { LeaseState } from './lease.ts'
import type { LeaseRow } from './lease-row.ts'

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
