import { Faults, LIMIT_MAX, type ReadTx } from '@iron/database'
import { invalid, JournalError } from '../errors.ts'
import { type LogHead, readHead } from '../log-heads.ts'
import { OWNER_WALK_MAX, ownsMany } from '../owners.ts'
import { queryPart } from '../sql-part.ts'
import { EVENT_TYPES, eventOf, type EventType, type IronEvent, REPORTED_TYPES } from './event.ts'
import { eventsOfAgents } from './of-agents.ts'
import { COLUMNS, type EventFilter, type Part, type Row, walk } from './walk.ts'

/** Which page of the log. */
export interface EventPosition {
  /** The last number seen; `latest`: an empty page that tells the present position. Default: the near end of the log. */
  readonly after?: number | 'latest' | undefined
  /** 1..1000. Default 256. */
  readonly limit?: number | undefined
  /** Default `asc`. In descending order `after` bounds from above. */
  readonly order?: 'asc' | 'desc' | undefined
}

/** A page of events. Reading on from `nextCursor` neither misses nor repeats, whether or not there is more by then. */
export interface EventPage {
  readonly data: readonly IronEvent[]
  /** The last number returned; when the page holds all there is, the last number searched. */
  readonly nextCursor: number
}

/** An event, and the owner that its agent has when it is read; null when it has none. */
export interface OwnedEvent extends IronEvent {
  readonly ownerId: string | null
}

/** A page of events with owners. */
export interface OwnedPage {
  readonly data: readonly OwnedEvent[]
  /** As in {@link EventPage}. */
  readonly nextCursor: number
}

/** The kept part of the log: `oldest` = head + 1 when it is empty. */
export interface EventBounds {
  readonly oldest: number
  readonly head: number
}

/** Events of one page when nothing else is asked for; what a subscriber holds at most. */
export const EVENTS_PAGE = 256

/** The kept part of the log. */
export async function readBounds(tx: ReadTx): Promise<EventBounds> {
  const { seq, floor } = await readHead(tx, 'events')
  return Object.freeze({ oldest: floor + 1, head: seq })
}

/**
 * A page of events.
 *
 * @throws {JournalError} VALIDATION_ERROR; CURSOR_EXPIRED with `details.reason` `too_old` or `unknown_position`
 */
export async function readEvents(tx: ReadTx, filter: EventFilter, position: EventPosition): Promise<EventPage> {
  const { limit = EVENTS_PAGE, order = 'asc' } = position
  const types = check(filter, position)
  const head = await readHead(tx, 'events')
  if (position.after === 'latest') return Object.freeze({ data: Object.freeze([]), nextCursor: head.seq })
  const after = position.after ?? (order === 'asc' ? head.floor : head.seq + 1)
  if (position.after !== undefined) mustBeKept(after, head, order)
  const rows = await rowsOf(tx, { ...filter, types }, { ...boundsOf(after, head, order), limit, order })
  // Without a snapshot, pruning may have come between: what it took must not look like nothing.
  mustBeKept(after, await readHead(tx, 'events'), order)
  const searched = order === 'asc' ? head.seq : head.floor + 1
  const last = rows.length === limit ? rows.at(-1)?.seq : undefined
  return Object.freeze({ data: Object.freeze(rows.map(eventOf)), nextCursor: last ?? searched })
}

/** SQLite looks for one bound at either end, and would go past others row by row. */
function boundsOf(after: number, { seq, floor }: LogHead, order: 'asc' | 'desc'): Pick<Part, 'above' | 'upTo'> {
  return order === 'asc'
    ? { above: Math.max(after, floor), upTo: seq }
    : { above: floor, upTo: Math.min(after - 1, seq) }
}

async function rowsOf(tx: ReadTx, filter: EventFilter, part: Part): Promise<readonly Row[]> {
  const { types, agentIds, ownerId } = filter
  if (types?.length === 0 || agentIds?.length === 0) return []
  if (agentIds === undefined && ownerId === undefined) {
    const isReported = types === undefined || types.some((type) => REPORTED_TYPES.includes(type))
    return isReported ? walk(tx, filter, part) : rowsOfTypes(tx, types, part)
  }
  if (agentIds === undefined && ownerId !== undefined && (await ownsMany(tx, ownerId))) {
    const near = nearPart(part)
    const found = await walk(tx, { types }, near, ownerId)
    if (found.length === part.limit || (near.above === part.above && near.upTo === part.upTo)) return found
  }
  return eventsOfAgents(tx, filter, part)
}

/** As much of a part as is looked at event by event. */
function nearPart(part: Part): Part {
  const { above, upTo, order } = part
  return order === 'asc'
    ? { ...part, upTo: Math.min(upTo, above + OWNER_WALK_MAX) }
    : { ...part, above: Math.max(above, upTo - OWNER_WALK_MAX) }
}

/** Written out, as the index has it: with parameters in their place no engine could know that the index applies. */
const NOT_INDEXED = REPORTED_TYPES.map((type) => `'${type}'`).join(', ')

/** The index has the events of one type in order, not those of several: as many of each as a page holds, and of these the page. */
async function rowsOfTypes(
  tx: ReadTx,
  types: readonly string[],
  { above, upTo, limit, order }: Part,
): Promise<readonly Row[]> {
  // Not prepared: PostgreSQL takes a type it does not know for a frequent one, and would go through the log.
  const page = `SELECT ${COLUMNS.join(', ')} FROM events WHERE type = ? AND type NOT IN (${NOT_INDEXED})
    AND seq > ? AND seq <= ? ORDER BY seq ${order} LIMIT ?`
  const found: Row[] = []
  for (const type of new Set(types)) {
    found.push(...(await queryPart<Row>(tx, { sql: page, values: [type, above, upTo, limit] })))
  }
  const sign = order === 'asc' ? 1 : -1
  return found.sort((one, other) => sign * (one.seq - other.seq)).slice(0, limit)
}

/** A page of all events with the present owners. @throws {JournalError} as {@link readEvents} */
export async function readOwned(tx: ReadTx, position: EventPosition): Promise<OwnedPage> {
  const { data, nextCursor } = await readEvents(tx, {}, position)
  const agentIds = [...new Set(data.map(({ agentId }) => agentId))]
  if (agentIds.length === 0) return Object.freeze({ data: Object.freeze([]), nextCursor })
  const rows = await tx.sql
    .selectFrom('agent_owner')
    .select(['agent_id', 'owner_id'])
    .where('agent_id', 'in', agentIds)
    .execute()
  const owners = new Map(rows.map((row) => [row.agent_id, row.owner_id]))
  const owned = data.map((event) => Object.freeze({ ...event, ownerId: owners.get(event.agentId) ?? null }))
  return Object.freeze({ data: Object.freeze(owned), nextCursor })
}

function mustBeKept(after: number, head: LogHead, order: 'asc' | 'desc'): void {
  const reason =
    after > head.seq + (order === 'desc' ? 1 : 0)
      ? 'unknown_position'
      : order === 'asc' && after < head.floor
        ? 'too_old'
        : undefined
  if (reason === undefined) return
  const details = { reason, oldest: head.floor + 1, oldestCursor: String(head.floor), head: head.seq }
  throw new JournalError('CURSOR_EXPIRED', 'the events after this position are not all here', { details })
}

/** Checks a filter and resolves groups to names. */
function check(filter: EventFilter, position: EventPosition): readonly EventType[] | undefined {
  const faults = new Faults()
  if (position.after !== undefined && position.after !== 'latest') faults.integer('after', position.after, 0)
  if (position.limit !== undefined) faults.integer('limit', position.limit, 1, LIMIT_MAX)
  if (position.order !== undefined) faults.oneOf('order', position.order, ['asc', 'desc'])
  const agentIds = filter.agentIds === undefined ? [] : listOf(filter.agentIds, 'agentIds', faults)
  agentIds.forEach((id, index) => faults.check(typeof id === 'string', `agentIds.${index}`, 'must be text'))
  faults.check(filter.ownerId === undefined || typeof filter.ownerId === 'string', 'ownerId', 'must be text')
  const names = filter.types === undefined ? undefined : listOf(filter.types, 'types', faults)
  const types = names?.flatMap((name, index) => {
    const named = EVENT_TYPES.filter((type) => type === name || (isGroup(name) && type.startsWith(name.slice(0, -1))))
    faults.check(named.length > 0, `types.${index}`, 'must be an event type, or a group such as budget.*')
    return named
  })
  faults.throwIfAny(invalid('the events asked for are not valid'))
  return types
}

function listOf(value: unknown, path: string, faults: Faults): readonly unknown[] {
  if (Array.isArray(value)) return value
  faults.add(path, 'must be a list')
  return []
}

const isGroup = (name: unknown): name is string => typeof name === 'string' && name.endsWith('.*')
