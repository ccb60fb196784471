import type { ReadTx } from '@iron/database'
import { queryPart } from '@iron/journal'

/** Spans in one trace, and characters of JSON that all their attributes hold together: a whole trace is one answer. */
export const TRACE_SPANS_MAX = 2_000
export const TRACE_ATTRIBUTES_MAX = 2 ** 21

/** How much room is left in one trace. */
export class TraceRoom {
  #spans: number
  #attributes: number

  /** @param attributes characters of JSON */
  constructor(spans: number, attributes: number) {
    this.#spans = spans
    this.#attributes = attributes
  }

  /** Takes the room of one more span. @returns why there is none */
  take(attributes: number): string | undefined {
    if (this.#spans >= TRACE_SPANS_MAX) return `has ${TRACE_SPANS_MAX} spans, the most of a trace`
    if (this.#attributes + attributes > TRACE_ATTRIBUTES_MAX) {
      return `the attributes of a trace hold at most ${TRACE_ATTRIBUTES_MAX} characters of JSON together`
    }
    this.#spans += 1
    this.#attributes += attributes
    return undefined
  }
}

/** The room in each of these traces. */
export async function readRooms(tx: ReadTx, traceIds: readonly string[]): Promise<ReadonlyMap<string, TraceRoom>> {
  const rooms = new Map(traceIds.map((traceId) => [traceId, new TraceRoom(0, 0)]))
  if (rooms.size === 0) return rooms
  const rows = await queryPart<{ trace_id: string; spans: number; attributes: number }>(tx, {
    sql: `
      SELECT trace_id, count(*) AS spans, CAST(sum(length(attributes)) AS bigint) AS attributes
      FROM spans WHERE trace_id IN (${traceIds.map(() => '?').join(', ')}) GROUP BY trace_id`,
    values: traceIds,
  })
  for (const row of rows) rooms.set(row.trace_id, new TraceRoom(row.spans, row.attributes))
  return rooms
}
