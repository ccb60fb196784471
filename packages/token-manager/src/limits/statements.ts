import { type Parameter, prepare, type ReadTx, type Statement } from '@iron/database'
import type { LimitRow } from './limit.ts'
import type { LimitWindow } from './windows.ts'

type Sql = ReadTx['sql']
type Instant = number | ReturnType<Parameter<{ readonly instant: number }>>

/** Limits with what has been used of them in the windows that began at the given instants: one statement, no join. */
export function selectLimits(db: Sql, starts: { readonly [Window in LimitWindow]: Instant }) {
  return db.selectFrom('limits').select((eb) => {
    const used = (metric: LimitWindow) =>
      eb
        .selectFrom('limit_counters')
        .select('limit_counters.used')
        .whereRef('limit_counters.owner_id', '=', 'limits.owner_id')
        .where('limit_counters.project_id', '=', eb.fn.coalesce('limits.project_id', eb.val('')))
        .where('limit_counters.metric', '=', metric)
        .where('limit_counters.window_start', '=', starts[metric])
    return [
      'limits.id',
      'limits.owner_id',
      'limits.project_id',
      'limits.max_tokens_per_day',
      'limits.max_requests_per_minute',
      'limits.max_cost_per_month_micros',
      'limits.created_at',
      'limits.updated_at',
      used('tokens_per_day').as('tokens'),
      used('requests_per_minute').as('requests'),
      used('cost_per_month').as('cost'),
    ]
  })
}

/** Limits of any owners together with the money each owner has lent out. */
export async function withReserved(tx: ReadTx, rows: readonly Omit<LimitRow, 'reserved'>[]): Promise<LimitRow[]> {
  if (rows.length === 0) return []
  const owners = [...new Set(rows.map((row) => row.owner_id))]
  const sums = await tx.sql
    .selectFrom('owner_reserved')
    .select(['owner_id', 'reserved'])
    .where('owner_id', 'in', owners)
    .execute()
  const reserved = new Map(sums.map((sum) => [sum.owner_id, sum.reserved]))
  return rows.map((row) => ({ ...row, reserved: reserved.get(row.owner_id) ?? null }))
}

/** The limits that bind a subject: the owner's general row, and that of the project if one is named. */
export const limitsOf = prepare<
  { ownerId: string; projectId: string | null; day: number; minute: number; month: number },
  LimitRow
>(
  (db, p) =>
    selectLimits(db, { tokens_per_day: p('day'), requests_per_minute: p('minute'), cost_per_month: p('month') })
      // The owner by value: by reference to the limit's row SQLite would sum the budgets of all owners.
      .select((eb) =>
        eb
          .selectFrom('owner_reserved')
          .select('owner_reserved.reserved')
          .where('owner_reserved.owner_id', '=', p('ownerId'))
          .as('reserved'),
      )
      .where('limits.owner_id', '=', p('ownerId'))
      .where((eb) => eb.or([eb('limits.project_id', 'is', null), eb('limits.project_id', '=', p('projectId'))])),
  { together: { ownerId: 'text', projectId: 'text', day: 'bigint', minute: 'bigint', month: 'bigint' } },
)

/** One counter to be raised. */
export interface CounterStep {
  /** `''`: the general row. */
  readonly projectId: string
  readonly metric: LimitWindow
  readonly start: number
  readonly amount: number
}

type UpsertParameters = Record<string, string | number>

/** Largest count a counter holds (data-model 3.2): a fact is never refused because a counter is full. */
const USED_MAX = Number.MAX_SAFE_INTEGER

const upserts = new Map<number, Statement<UpsertParameters, { limited: number }>>()

/**
 * Raises n counters in one statement. On PostgreSQL each row also tells whether the owner's general row exists, which spares
 * a round trip where there is none; on SQLite that would cost more than the statement it spares.
 */
function upsertOf(count: number): Statement<UpsertParameters, { limited: number }> {
  let statement = upserts.get(count)
  if (statement === undefined) {
    statement = prepare<UpsertParameters, { limited: number }>((db, p, dialect) => {
      const upsert = db
        .insertInto('limit_counters')
        .values(
          Array.from({ length: count }, (_, row) => ({
            owner_id: p('ownerId'),
            project_id: p(`project${row}`),
            metric: p(`metric${row}`) as never,
            window_start: p(`start${row}`),
            used: p(`amount${row}`),
          })) as never,
        )
        .onConflict((conflict) =>
          conflict.columns(['owner_id', 'project_id', 'metric', 'window_start']).doUpdateSet((eb) => ({
            used: eb
              .case()
              .when('limit_counters.used', '>', eb(eb.lit(USED_MAX), '-', eb.ref('excluded.used')))
              .then(eb.lit(USED_MAX))
              .else(eb('limit_counters.used', '+', eb.ref('excluded.used')))
              .end(),
          })),
        )
      if (dialect === 'sqlite') return upsert
      return upsert.returning((eb) =>
        eb
          .exists(
            eb
              .selectFrom('limits')
              .select('limits.id')
              .whereRef('limits.owner_id', '=', 'limit_counters.owner_id')
              .where('limits.project_id', 'is', null),
          )
          .as('limited'),
      )
    })
    upserts.set(count, statement)
  }
  return statement
}

const RAISE_ALL = `
  INSERT INTO limit_counters (owner_id, project_id, metric, window_start, used)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
  ON CONFLICT (owner_id, project_id, metric, window_start) DO UPDATE
  SET used = LEAST(limit_counters.used::numeric + excluded.used, ${USED_MAX})::bigint`

/** Raises counters of any owners in one statement, in the order given; each counter once. PostgreSQL only. */
export async function raiseAll(
  tx: ReadTx,
  steps: readonly (CounterStep & { readonly ownerId: string })[],
): Promise<void> {
  await tx.execute({
    sql: RAISE_ALL,
    parameters: [
      steps.map(({ ownerId }) => ownerId),
      steps.map(({ projectId }) => projectId),
      steps.map(({ metric }) => metric),
      steps.map(({ start }) => start),
      steps.map(({ amount }) => amount),
    ],
    name: 'limit_counters_raise',
  })
}

/**
 * Raises an owner's counters in one statement, always in the same order, so that two transactions never wait for each other.
 *
 * @returns whether the owner may have a general limit; false is certain
 */
export async function raiseCounters(tx: ReadTx, ownerId: string, steps: readonly CounterStep[]): Promise<boolean> {
  const parameters: UpsertParameters = { ownerId }
  steps.forEach((step, row) => {
    parameters[`project${row}`] = step.projectId
    parameters[`metric${row}`] = step.metric
    parameters[`start${row}`] = step.start
    parameters[`amount${row}`] = step.amount
  })
  const statement = upsertOf(steps.length)
  if (tx.dialect === 'postgres') return Boolean((await statement.first(tx, parameters))?.limited)
  await statement.run(tx, parameters)
  return true
}
