import { Faults, type JsonObject } from '@iron/database'
import { invalid, JournalError } from '../errors.ts'
import type { Sources } from '../sources.ts'

/** The types of websocket.md 5. */
export const EVENT_TYPES = [
  'agent.started',
  'agent.stopped',
  'agent.failed',
  'agent.stop_requested',
  'budget.threshold_reached',
  'budget.exhausted',
  'budget.changed',
  'safety.pii_detected',
  'request.completed',
  'request.failed',
  'lease.granted',
  'lease.closed',
] as const

/** The types that every report and every call tells of: most of all events. They are in no index of types. */
export const REPORTED_TYPES: readonly string[] = ['request.completed', 'request.failed']

/** What an event tells of (websocket.md 5). */
export type EventType = (typeof EVENT_TYPES)[number]

/** One event. Every event is about one agent; its present owner may read it. */
export interface IronEvent {
  readonly id: string
  /** Rises in commit order, without gaps. */
  readonly seq: number
  /** Epoch ms. */
  readonly at: number
  readonly type: EventType
  readonly agentId: string
  readonly data: JsonObject
}

/** An event to append. */
export interface NewEvent {
  readonly type: EventType
  readonly agentId: string
  /** In wire names; at most 16 KiB of JSON. */
  readonly data: JsonObject
  /** 1..200. An event with a key that is already in the log is not appended. */
  readonly dedupeKey?: string | undefined
}

/** A row of `events` as it is read. */
export interface EventRow {
  readonly seq: number
  readonly id: string
  readonly at: number
  readonly type: string
  readonly agent_id: string
  readonly dedupe_key: string | null
  readonly data: string
}

/** An event before its number is known. */
export type PendingEvent = Omit<EventRow, 'seq'>

/** Largest data of an event, in bytes of JSON (data-model 3.7). */
export const EVENT_DATA_BYTES_MAX = 16_384
/** Longest dedupe key, in code points (data-model 3.7). */
const DEDUPE_KEY_MAX = 200

/**
 * Checks an event and brings it into its stored form.
 *
 * @throws {JournalError} VALIDATION_ERROR, ENTRY_TOO_LARGE
 */
export function prepareEvent(event: NewEvent, sources: Sources): PendingEvent {
  const faults = new Faults()
  faults.oneOf('type', event.type, EVENT_TYPES)
  faults.id('agentId', event.agentId)
  if (event.dedupeKey !== undefined) faults.text('dedupeKey', event.dedupeKey, { max: DEDUPE_KEY_MAX })
  faults.throwIfAny(invalid('the event is not valid'))
  const data = JSON.stringify(event.data)
  const bytes = Buffer.byteLength(data)
  if (bytes > EVENT_DATA_BYTES_MAX) {
    const details = { bytes, bytesMax: EVENT_DATA_BYTES_MAX }
    throw new JournalError('ENTRY_TOO_LARGE', 'the data of the event is too large', { details })
  }
  return {
    id: sources.ids.next('evt'),
    at: sources.clock.now(),
    type: event.type,
    agent_id: event.agentId,
    dedupe_key: event.dedupeKey ?? null,
    data,
  }
}

/** The event a row holds. */
export function eventOf(row: Omit<EventRow, 'dedupe_key'>): IronEvent {
  return Object.freeze({
    id: row.id,
    seq: row.seq,
    at: row.at,
    type: row.type as EventType,
    agentId: row.agent_id,
    data: JSON.parse(row.data) as JsonObject,
  })
}
