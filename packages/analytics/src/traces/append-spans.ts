import { type IronDatabase, prepare, type WriteTx } from '@iron/database'
import { type ItemResult, queryPart } from '@iron/journal'
import { AnalyticsError } from '../errors.ts'
import { checkSpan } from './check-span.ts'
import type { NewSpan, SpanRow } from './span.ts'
import { readRooms } from './trace-room.ts'

/**
 * Spans written in one transaction: few enough that on SQLite, which writes on the main thread, other requests are answered in
 * between. Accepted spans are duplicates when a call that broke off is repeated, so parts may commit one by one.
 */
const PART_SPANS = 100

type ReadyItem = { readonly span: NewSpan } | { readonly refused: ItemResult }

/** Keeps an agent's spans, each by itself: a faulty one is refused and the others go on. */
export async function appendSpans(
  db: IronDatabase,
  agentId: string,
  spans: readonly NewSpan[],
  now: () => number,
): Promise<readonly ItemResult[]> {
  const items = spans.map(readyItem)
  const results: ItemResult[] = []
  for (let from = 0; from < items.length; from += PART_SPANS) {
    const part = items.slice(from, from + PART_SPANS)
    results.push(...(await db.write((tx) => appendPart(tx, agentId, part, now()), { group: true })))
  }
  return Object.freeze(results)
}

function readyItem(span: NewSpan): ReadyItem {
  try {
    checkSpan(span)
    return { span }
  } catch (error) {
    if (!(error instanceof AnalyticsError)) throw error
    return { refused: errorResult(error) }
  }
}

async function appendPart(
  tx: WriteTx,
  agentId: string,
  items: readonly ReadyItem[],
  now: number,
): Promise<readonly ItemResult[]> {
  const spans = items.flatMap((item) => ('span' in item ? [item.span] : []))
  const traceIds = [...new Set(spans.map((span) => span.traceId))].sort()
  const foreign = await lockTraces(tx, agentId, traceIds)
  const rooms = await readRooms(tx, traceIds)
  const known = await knownSpans(tx, spans)
  const rows: SpanRow[] = []
  const results = items.map((item): ItemResult => {
    if ('refused' in item) return item.refused
    if (foreign.has(item.span.traceId)) return NOT_FOUND
    const key = keyOf(item.span.traceId, item.span.spanId)
    if (known.has(key)) return DUPLICATE
    const row = rowOf(agentId, item.span, now)
    const full = rooms.get(row.trace_id)?.take(row.attributes.length)
    if (full !== undefined) return fullResult(full)
    known.add(key)
    rows.push(row)
    return ACCEPTED
  })
  if (rows.length > 0) await tx.sql.insertInto('spans').values(rows).execute()
  return results
}

const ACCEPTED: ItemResult = Object.freeze({ status: 'accepted' })
const DUPLICATE: ItemResult = Object.freeze({ status: 'duplicate' })
const NOT_FOUND: ItemResult = errorResult(new AnalyticsError('TRACE_NOT_FOUND', 'there is no such trace'))

function errorResult({ code, message, details }: AnalyticsError): ItemResult {
  return Object.freeze({ status: 'error', code, message, details })
}

function fullResult(fault: string): ItemResult {
  const details = { fields: { traceId: fault } }
  return errorResult(new AnalyticsError('VALIDATION_ERROR', 'the trace is full', { details }))
}

const firstSpan = prepare<{ traceId: string }, { agent_id: string }>((db, p) =>
  db.selectFrom('spans').select('agent_id').where('trace_id', '=', p('traceId')).limit(1),
)

/** Locks the traces, so that none gets two owners, and tells those of other agents. */
async function lockTraces(tx: WriteTx, agentId: string, traceIds: readonly string[]): Promise<ReadonlySet<string>> {
  const foreign = new Set<string>()
  for (const traceId of traceIds) {
    await tx.lock(`analytics:trace:${traceId}`)
    const first = await firstSpan.first(tx, { traceId })
    if (first !== undefined && first.agent_id !== agentId) foreign.add(traceId)
  }
  return foreign
}

async function knownSpans(tx: WriteTx, spans: readonly NewSpan[]): Promise<Set<string>> {
  if (spans.length === 0) return new Set()
  const rows = await queryPart<Pick<SpanRow, 'trace_id' | 'span_id'>>(tx, {
    sql: `SELECT trace_id, span_id FROM spans WHERE (trace_id, span_id) IN (VALUES ${spans.map(() => '(?, ?)').join(', ')})`,
    values: spans.flatMap((span) => [span.traceId, span.spanId]),
  })
  return new Set(rows.map((row) => keyOf(row.trace_id, row.span_id)))
}

function keyOf(traceId: string, spanId: string): string {
  return JSON.stringify([traceId, spanId])
}

function rowOf(agentId: string, span: NewSpan, now: number): SpanRow {
  return {
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_id: span.parentId ?? null,
    agent_id: agentId,
    name: span.name,
    status: span.status,
    started_at: span.startedAt,
    duration_ms: span.durationMs ?? null,
    attributes: JSON.stringify(span.attributes ?? {}),
    received_at: now,
  }
}
