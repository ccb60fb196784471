import { type Microdollars, toUsd } from '@iron/cost-calculator'
import { type JsonObject, prepare, type WriteTx } from '@iron/database'
import { eventQueue } from '../events/append.ts'
import { prepareEvent } from '../events/event.ts'
import type { Sources } from '../sources.ts'
import type { Call, NewCall } from './call.ts'
import { type BilledRow, findBilled, mustRepeat } from './find-billed.ts'
import { hourOf, noteChange, readProgress, ROLL_UP_LOCK } from './hours.ts'
import { type Inserted, insertRow, insertRows } from './insert-rows.ts'
import { payloadHashOf } from './payload-hash.ts'
import { clampedAt } from './price-call.ts'
import { callOf, REQUEST_COLUMNS, type RequestRow } from './row.ts'
import { tokenColumns } from './tokens.ts'

/** How often a row that appears and vanishes while it is looked at is tried again. */
const ATTEMPTS_MAX = 3

/** What became of a recorded call. */
export interface Recorded {
  readonly call: Call
  /** Whether the call was already known as it is told now: nothing was booked. */
  readonly duplicate: boolean
}

/**
 * Writes the row of a checked call, whoever tells of it first: one row per subject and request id. One statement when the call
 * is new; a known one is looked at, and a row that only telemetry has told of becomes the billed one, once.
 */
export async function recordCall(tx: WriteTx, call: NewCall, sources: Sources): Promise<Recorded> {
  const row = rowOf(call, sources)
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const inserted = await insertRow(tx, row)
    if (inserted !== undefined) return recordNew(tx, row, inserted, sources)
    const known = await recordKnown(tx, row)
    if (known !== undefined) return known
  }
  throw new Error('a request row appeared and vanished again and again')
}

/** Writes the row of one of the calls that were handed over together. */
export type RecordOne = (call: NewCall) => Promise<Recorded>

/**
 * Writes the rows of those calls of one agent, all with request ids, that are new: one statement on PostgreSQL. The others are
 * written when they are asked for, as are the events of all.
 */
export async function recordCalls(tx: WriteTx, calls: readonly NewCall[], sources: Sources): Promise<RecordOne> {
  const firsts = new Map<string, NewCall>()
  for (const call of calls) if (!firsts.has(call.requestId as string)) firsts.set(call.requestId as string, call)
  const rows = new Map([...firsts.values()].map((call) => [call, rowOf(call, sources)]))
  const inserted = await insertRows(tx, [...rows.values()])
  return async (call) => {
    const row = rows.get(call)
    const isNew = row === undefined ? undefined : inserted.get(row)
    if (row === undefined || isNew === undefined) return recordCall(tx, call, sources)
    return recordNew(tx, row, isNew, sources)
  }
}

/** What follows from a row that was not there. */
async function recordNew(tx: WriteTx, row: RequestRow, { rolledHour }: Inserted, sources: Sources): Promise<Recorded> {
  if (hourOf(row.received_at) <= rolledHour) await noteChange(tx, row.received_at, rolledHour)
  if (row.source === 'agent') publish(tx, row, sources)
  return { call: callOf(row, null), duplicate: false }
}

const findRow = prepare<{ subject: string; requestId: string }, RequestRow>((db, p, dialect) => {
  const query = db
    .selectFrom('requests')
    .select(REQUEST_COLUMNS)
    .where('subject_id', '=', p('subject'))
    .where('request_id', '=', p('requestId'))
  return dialect === 'postgres' ? query.forUpdate() : query
})

/** A call that was told of before. `undefined`: the row is gone again, try once more. */
async function recordKnown(tx: WriteTx, told: RequestRow): Promise<Recorded | undefined> {
  const subject = told.subject_id
  const requestId = told.request_id as string
  // Before the row's lock: whoever prunes holds this one while waiting for rows.
  await tx.lock(ROLL_UP_LOCK, { shared: true })
  const row = await findRow.first(tx, { subject, requestId })
  if (row === undefined) {
    const key = await findBilled(tx, subject, requestId)
    return key === undefined ? undefined : recordPruned(told, key, requestId)
  }
  if (row.billed === 1 && told.billed === 1) {
    mustRepeat(row, told.payload_hash as string, requestId)
    return { call: callOf(row, null), duplicate: true }
  }
  const { rolledHour, prunedHour } = await readProgress(tx)
  const beingPruned = hourOf(row.received_at) <= prunedHour
  if (told.billed === 0) {
    return { call: callOf(beingPruned ? row : await fillGaps(tx, row, told, rolledHour), null), duplicate: true }
  }
  if (beingPruned) {
    // Its hour is closed for ever: the row goes as pruning would take it, and the booking is a new one.
    await tx.sql.deleteFrom('requests').where('id', '=', row.id).execute()
    return undefined
  }
  return { call: callOf(await bill(tx, row, told, rolledHour), null), duplicate: false }
}

/** A call whose row was pruned: its key answers a repeat, and telemetry has no effect (data-model 3.6). */
function recordPruned(told: RequestRow, key: BilledRow, requestId: string): Recorded {
  if (told.billed === 1) mustRepeat(key, told.payload_hash as string, requestId)
  return { call: callOf({ ...told, ...key, billed: 1 }, null), duplicate: true }
}

/** Turns a row that telemetry made into the billed one: figures are the report's, what was told explicitly first stays. */
async function bill(tx: WriteTx, row: RequestRow, told: RequestRow, rolledHour: number): Promise<RequestRow> {
  const changes = {
    ...gaps(row, told),
    payload_hash: told.payload_hash,
    lease_id: told.lease_id,
    provider: told.provider ?? row.provider,
    model: told.model ?? row.model,
    input_tokens: told.input_tokens,
    cache_read_tokens: told.cache_read_tokens,
    cache_write_tokens: told.cache_write_tokens,
    output_tokens: told.output_tokens,
    reasoning_tokens: told.reasoning_tokens,
    other_parts: told.other_parts,
    total_tokens: told.total_tokens,
    cost_micros: told.cost_micros,
    overrun_micros: told.overrun_micros,
    pricing: told.pricing,
    price_id: told.price_id,
    billed: told.billed,
    late: told.late,
    received_at: told.received_at,
  } satisfies Partial<RequestRow>
  await tx.sql.updateTable('requests').set(changes).where('id', '=', row.id).where('billed', '=', 0).execute()
  await noteChange(tx, row.received_at, rolledHour)
  if (hourOf(told.received_at) !== hourOf(row.received_at)) await noteChange(tx, told.received_at, rolledHour)
  return { ...row, ...changes }
}

/** Telemetry fills what is null and never changes a figure (PRI-36). */
async function fillGaps(tx: WriteTx, row: RequestRow, told: RequestRow, rolledHour: number): Promise<RequestRow> {
  const changes = gaps(row, told)
  if (Object.keys(changes).length === 0) return row
  await tx.sql.updateTable('requests').set(changes).where('id', '=', row.id).execute()
  await noteChange(tx, row.received_at, rolledHour)
  return { ...row, ...changes }
}

type Gaps = Pick<RequestRow, 'outcome' | 'error_code' | 'error_message' | 'latency_ms' | 'trace_id' | 'provider'>

/** What is told now and was not told before. An error belongs to a failed call only. */
export function gaps(row: Gaps, told: Gaps): Partial<Gaps> {
  const failed = (row.outcome ?? told.outcome) === 'failed'
  const columns: readonly (keyof Gaps)[] = failed
    ? ['outcome', 'error_code', 'error_message', 'latency_ms', 'trace_id', 'provider']
    : ['outcome', 'latency_ms', 'trace_id', 'provider']
  return Object.fromEntries(
    columns.filter((column) => row[column] === null && told[column] !== null).map((column) => [column, told[column]]),
  )
}

function rowOf(call: NewCall, sources: Sources): RequestRow {
  const now = sources.clock.now()
  const billed = call.billed === true
  return {
    id: sources.ids.next('req'),
    source: call.agentId === undefined ? 'api_token' : 'agent',
    subject_id: (call.agentId ?? call.tokenId) as string,
    request_id: call.requestId ?? null,
    payload_hash: billed && call.requestId !== undefined ? payloadHashOf(call) : null,
    lease_id: call.leaseId ?? null,
    provider_id: null,
    provider: call.provider ?? null,
    model: call.model ?? null,
    outcome: call.outcome ?? null,
    error_code: call.errorCode ?? null,
    error_message: call.errorMessage ?? null,
    ...tokenColumns(call.usage),
    cost_micros: call.cost,
    overrun_micros: call.overrun ?? (0 as Microdollars),
    pricing: call.pricing ?? 'reported',
    price_id: call.priceId ?? null,
    billed: billed ? 1 : 0,
    late: call.late === true ? 1 : 0,
    latency_ms: call.latencyMs ?? null,
    trace_id: call.traceId ?? null,
    at: clampedAt(call.at, now),
    received_at: now,
  }
}

/** `request.completed` or `request.failed`, once per row of an agent (websocket.md 5). */
function publish(tx: WriteTx, row: RequestRow, sources: Sources): void {
  const failed = row.outcome === 'failed'
  const data: JsonObject = {
    request_row_id: row.id,
    request_id: row.request_id,
    lease_id: row.lease_id,
    provider: row.provider,
    model: row.model,
    input_tokens: row.input_tokens,
    output_tokens: row.output_tokens,
    total_tokens: row.total_tokens,
    cost_usd: toUsd(row.cost_micros),
    pricing: row.pricing,
    billed: row.billed === 1,
    late: row.late === 1,
    latency_ms: row.latency_ms,
    ...(failed && { error_code: row.error_code, error_message: row.error_message }),
  }
  const type = failed ? 'request.failed' : 'request.completed'
  tx.defer(eventQueue, prepareEvent({ type, agentId: row.subject_id, data }, sources))
}
