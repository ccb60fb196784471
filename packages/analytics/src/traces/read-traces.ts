import {
  type Cursor,
  cursorPage,
  type CursorPage,
  type CursorWindow,
  cursorWindow,
  encodeCursor,
  Faults,
  prepare,
  type ReadTx,
} from '@iron/database'
import { agentIsOf, allOf, OWNER_WALK_MAX, ownsMany, queryPart, type SqlPart } from '@iron/journal'
import { AnalyticsError, refuseFaults } from '../errors.ts'
import { readPrunedBefore } from './prune-spans.ts'
import { spanOf, type SpanRow, type Trace, type WholeTrace } from './span.ts'

/** Which traces; every given field must fit. */
export interface TraceFilter {
  /** Traces of agents that this user owns now. */
  readonly ownerId?: string | undefined
  readonly agentId?: string | undefined
  /** When the first span of the trace was received, epoch ms, inclusive. */
  readonly from?: number | undefined
  /** Exclusive. */
  readonly to?: number | undefined
}

const spansOf = prepare<{ traceId: string }, SpanRow>((db, p) =>
  db.selectFrom('spans').selectAll().where('trace_id', '=', p('traceId')).orderBy('started_at').orderBy('span_id'),
)

/** The trace of an id with its spans, by start. */
export async function getTrace(tx: ReadTx, traceId: string): Promise<WholeTrace | undefined> {
  const spans = (await spansOf.all(tx, { traceId })).map(spanOf)
  const [first] = spans
  if (first === undefined) return undefined
  return Object.freeze({ traceId, agentId: first.agentId, startedAt: first.startedAt, spans: Object.freeze(spans) })
}

interface TraceRow {
  readonly trace_id: string
  readonly agent_id: string
  readonly received_at: number
  readonly started_at: number
  readonly spans: number
}

/**
 * A trace stands where its first span was received: what arrives later, an earlier start included, moves nothing. Spans are
 * walked in order of arrival and the first of each trace is taken, so that a page costs its own spans; a subquery that both
 * engines run span by span, where an anti-join would read the whole table.
 */
const SELECT = `
  SELECT trace_id, agent_id, received_at,
    (SELECT min(t.started_at) FROM spans t WHERE t.trace_id = s.trace_id) AS started_at,
    (SELECT count(*) FROM spans t WHERE t.trace_id = s.trace_id) AS spans
  FROM spans s
  WHERE (SELECT 1 FROM spans e WHERE e.trace_id = s.trace_id AND (e.received_at, e.span_id) < (s.received_at, s.span_id) LIMIT 1)
    IS NULL`

/**
 * A page of traces.
 *
 * @throws {AnalyticsError} CURSOR_EXPIRED when spans at this position were pruned
 */
export async function listTraces(tx: ReadTx, filter: TraceFilter, cursor: Cursor): Promise<CursorPage<Trace>> {
  const window = cursorWindow(cursor, ['number', 'string'])
  const { ownerId, ...others } = filter
  const place = conditionsOf(others)
  if (window.after !== undefined) {
    await mustBeKept(tx, Number(window.after[0]))
    place.push(besides(window.order === 'asc' ? '>' : '<', window.after))
  }
  const read = (conditions: readonly SqlPart[]): Promise<readonly TraceRow[]> => readPage(tx, window, conditions)
  const rows =
    ownerId === undefined
      ? await read(place)
      : ((await readAlong(tx, ownerId, window, place, read)) ?? (await read([...place, isAmongThoseOf(ownerId)])))
  return cursorPage(rows, window.limit, traceOf, (row) => [row.received_at, row.trace_id])
}

function besides(side: '<' | '>', place: readonly (string | number)[]): SqlPart {
  return { sql: `(received_at, trace_id) ${side} (?, ?)`, values: place }
}

/** The rows of a page, and one more if there is one. */
function readPage(
  tx: ReadTx,
  { order, limit }: CursorWindow,
  conditions: readonly SqlPart[],
): Promise<readonly TraceRow[]> {
  const { sql, values } = allOf([{ sql: SELECT, values: [] }, ...conditions])
  const page = `${sql} ORDER BY received_at ${order}, trace_id ${order} LIMIT ?`
  return queryPart<TraceRow>(tx, { sql: page, values: [...values, limit + 1] })
}

/** Spans of an owner of most agents are among the first. */
const FIRST_WALK = 500

/** The same of an owner of many agents, if some steps along the spans find them. */
async function readAlong(
  tx: ReadTx,
  ownerId: string,
  { order, limit }: CursorWindow,
  place: readonly SqlPart[],
  read: (conditions: readonly SqlPart[]) => Promise<readonly TraceRow[]>,
): Promise<readonly TraceRow[] | undefined> {
  if (!(await ownsMany(tx, ownerId))) return undefined
  const { sql, values } = allOf([{ sql: '1 = 1', values: [] }, ...place])
  for (const steps of [FIRST_WALK, OWNER_WALK_MAX]) {
    const [end] = await queryPart<Pick<TraceRow, 'received_at' | 'trace_id'>>(tx, {
      sql: `SELECT received_at, trace_id FROM spans WHERE ${sql} ORDER BY received_at ${order}, trace_id ${order} LIMIT 1 OFFSET ?`,
      values: [...values, steps],
    })
    const upTo = end === undefined ? [] : [besides(order === 'asc' ? '<' : '>', [end.received_at, end.trace_id])]
    const found = await read([...place, agentIsOf('s.agent_id', ownerId), ...upTo])
    if (end === undefined || found.length > limit) return found
  }
  return undefined
}

/** @throws {AnalyticsError} VALIDATION_ERROR */
export function checkTimes({ from, to }: TraceFilter): void {
  const faults = new Faults()
  if (from !== undefined) faults.integer('from', from, Number.MIN_SAFE_INTEGER)
  if (to !== undefined) faults.integer('to', to, Number.MIN_SAFE_INTEGER)
  refuseFaults(faults)
}

function traceOf({ trace_id: traceId, agent_id: agentId, started_at: startedAt, spans }: TraceRow): Trace {
  return Object.freeze({ traceId, agentId, startedAt, spans })
}

function isAmongThoseOf(ownerId: string): SqlPart {
  return { sql: 'agent_id IN (SELECT agent_id FROM agent_owner WHERE owner_id = ?)', values: [ownerId] }
}

/** The conditions of a filter but its owner. */
function conditionsOf({ agentId, from, to }: Omit<TraceFilter, 'ownerId'>): SqlPart[] {
  const conditions: SqlPart[] = []
  if (agentId !== undefined) conditions.push({ sql: 'agent_id = ?', values: [agentId] })
  if (from !== undefined) conditions.push({ sql: 'received_at >= ?', values: [from] })
  if (to !== undefined) conditions.push({ sql: 'received_at < ?', values: [to] })
  return conditions
}

async function mustBeKept(tx: ReadTx, receivedAt: number): Promise<void> {
  const prunedBefore = await readPrunedBefore(tx)
  if (receivedAt >= prunedBefore) return
  const details = { oldest: prunedBefore, oldestCursor: encodeCursor(prunedBefore, '') }
  throw new AnalyticsError('CURSOR_EXPIRED', 'the traces at this position are no longer kept', { details })
}
