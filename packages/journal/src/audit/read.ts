import { type AtTx, type Cursor, cursorPage, type CursorPage, cursorWindow, prepare, type ReadTx } from '@iron/database'
import { readHead } from '../log-heads.ts'
import { namedSql } from '../named-sql.ts'
import { FIRST_PREV_HASH } from './chain.ts'
import { type AuditEntry, type AuditRow, entryOf } from './entry.ts'
import { type AuditPart, entriesOfActor } from './of-actor.ts'
import type { AuditHead } from './verify-chain.ts'

/** Which entries; every given field must fit. */
export interface AuditFilter {
  readonly operation?: string | undefined
  readonly resourceType?: string | undefined
  readonly resourceId?: string | undefined
  readonly actorId?: string | undefined
  /** The person behind the actor. */
  readonly userId?: string | undefined
  /** Epoch ms, inclusive. */
  readonly from?: number | undefined
  /** Epoch ms, exclusive. */
  readonly to?: number | undefined
}

/** Rows fetched at once when the log is walked. */
export const WALK_ROWS = 500

const walkPage = prepare<{ after: number; limit: number }, AuditRow>((db, p) =>
  db.selectFrom('audit_log').selectAll().where('seq', '>', p('after')).orderBy('seq').limit(p('limit')),
)

const byId = prepare<{ id: string }, AuditRow>((db, p) =>
  db.selectFrom('audit_log').selectAll().where('id', '=', p('id')),
)

/** Rows after a number, in order. */
export async function readRows(tx: ReadTx, after: number, limit: number = WALK_ROWS): Promise<readonly AuditRow[]> {
  return walkPage.all(tx, { after, limit })
}

/** The entry with an id. */
export async function readEntry(tx: ReadTx, id: string): Promise<AuditEntry | undefined> {
  const row = await byId.first(tx, { id })
  return row === undefined ? undefined : entryOf(row)
}

/** Where the log stands. */
export async function readAuditHead(tx: ReadTx): Promise<AuditHead> {
  const head = await readHead(tx, 'audit')
  return Object.freeze({ seq: head.seq, hash: head.hash ?? FIRST_PREV_HASH })
}

/** The types of resources there are entries about, each found behind the one before it in the index of resources. */
async function resourceTypes(tx: ReadTx): Promise<readonly string[]> {
  const types: string[] = []
  for (let last: string | undefined = ''; last !== undefined;) {
    const beyond: string = last
    const next = await tx.sql
      .selectFrom('audit_log')
      .select('resource_type')
      .where('resource_type', '>', beyond)
      .orderBy('resource_type')
      .limit(1)
      .executeTakeFirst()
    last = next?.resource_type
    if (last !== undefined) types.push(last)
  }
  // Of an empty log none; a list of values must not be empty.
  return types.length === 0 ? [''] : types
}

/** Entries between two numbers, both exclusive; without one, to that end of the log. */
interface Numbers {
  readonly after?: number | undefined
  readonly before?: number | undefined
}

const late = prepare<object, { head_seq: number; late_ms: number }>((db) =>
  db.selectFrom('log_heads').select(['head_seq', 'late_ms']).where('name', '=', 'audit'),
)

/** Halves the log until the last entry that is older than a time, and the next one, which is not, are left. */
const turnOf = namedSql<{ head: number; at: number }, { low: number; high: number }>(
  'audit_turn',
  () => `
    WITH RECURSIVE turn(low, high) AS (
      SELECT CAST(0 AS bigint), CAST(:head AS bigint) + 1
      UNION ALL
      SELECT CASE WHEN a.at < :at THEN a.seq ELSE t.low END, CASE WHEN a.at < :at THEN t.high ELSE a.seq END
      FROM turn t JOIN audit_log a ON a.seq = (t.low + t.high) / 2 WHERE t.high - t.low > 1
    )
    SELECT low, high FROM turn ORDER BY high - low LIMIT 1`,
)

/**
 * The numbers between which all entries of a time are. Clocks of processes differ, so that times do not rise with the numbers; but
 * none was further behind one before it than is kept. Every entry before one that is so much too old is too old itself, and every one
 * after one that is so much too young is too young.
 */
async function numbersOf(tx: ReadTx, { from, to }: AuditFilter): Promise<Numbers> {
  if (from === undefined && to === undefined) return {}
  const { head_seq: head = 0, late_ms: lateMs = 0 } = (await late.first(tx, {})) ?? {}
  const first = from === undefined ? undefined : await turnOf.first(tx, { head, at: from - lateMs })
  const last = to === undefined ? undefined : await turnOf.first(tx, { head, at: to + lateMs })
  // Of what comes after the head nothing is known.
  return { after: first?.low, before: last === undefined || last.high > head ? undefined : last.high }
}

/** A page of entries, by number. */
export async function listEntries(
  tx: ReadTx,
  filter: AuditFilter,
  options: Cursor & AtTx,
): Promise<CursorPage<AuditEntry>> {
  const { after, limit, order } = cursorWindow(options, ['number'])
  const numbers = await numbersOf(tx, filter)
  const place = after === undefined ? undefined : Number(after[0])
  const part: AuditPart = {
    above: Math.max(numbers.after ?? 0, (order === 'asc' ? place : undefined) ?? 0),
    below: Math.min(numbers.before ?? Infinity, (order === 'desc' ? place : undefined) ?? Infinity),
    limit: limit + 1,
    order,
  }
  const { operation, resourceId, actorId, userId } = filter
  // Whatever else has an index of its own fits fewer entries than an actor, who may have written most of the log.
  const isFoundByActor = actorId !== undefined && (operation ?? resourceId ?? userId) === undefined
  const rows = isFoundByActor
    ? await entriesOfActor(tx, { ...filter, actorId }, part, (rest) => findEntries(tx, filter, rest))
    : await findEntries(tx, filter, part)
  return cursorPage(rows, limit, entryOf, (row) => [row.seq])
}

/** Entries by the index of what is asked for, or else along the log. */
async function findEntries(
  tx: ReadTx,
  filter: AuditFilter,
  { above, below, limit, order }: AuditPart,
): Promise<readonly AuditRow[]> {
  let query = tx.sql.selectFrom('audit_log').selectAll().orderBy('seq', order).limit(limit)
  if (above > 0) query = query.where('seq', '>', above)
  if (below < Infinity) query = query.where('seq', '<', below)
  if (filter.operation !== undefined) query = query.where('operation', '=', filter.operation)
  const { resourceType, resourceId } = filter
  if (resourceId !== undefined) {
    const types = resourceType === undefined ? await resourceTypes(tx) : [resourceType]
    query = query.where('resource_type', 'in', types).where('resource_id', '=', resourceId)
  } else if (resourceType !== undefined) {
    // Beside a filter that fits fewer entries a type is no way to find them: behind `coalesce` no index serves it.
    const fewer = filter.operation ?? filter.actorId ?? filter.userId
    query =
      fewer === undefined
        ? query.where('resource_type', '=', resourceType)
        : query.where((eb) => eb(eb.fn.coalesce('resource_type', eb.val('')), '=', resourceType))
  }
  if (filter.actorId !== undefined) query = query.where('actor_id', '=', filter.actorId)
  if (filter.userId !== undefined) query = query.where('actor_user_id', '=', filter.userId)
  if (filter.from !== undefined) query = query.where('at', '>=', filter.from)
  if (filter.to !== undefined) query = query.where('at', '<', filter.to)
  return query.execute()
}
