import { lastIndexedEvent, readIndexedAndLate, type ReadTx } from '@iron/database'
import { allOf, queryPart, type SqlPart } from '../sql-part.ts'
import { COLUMNS, type EventFilter, type Part, type Row, walk } from './walk.ts'

/** Events of the agents that a filter names: by their index, and those that are not in it yet along the log. */
export function eventsOfAgents(tx: ReadTx, filter: EventFilter, part: Part): Promise<readonly Row[]> {
  const indexed = lastIndexedEvent(part.upTo)
  return readIndexedAndLate(
    part,
    (limit) => readIndexed(tx, filter, { ...part, upTo: indexed, limit }),
    (limit) => walk(tx, filter, { ...part, above: Math.max(part.above, indexed), limit }),
  )
}

/** As many entries as the page holds are found before any event is read. */
function readIndexed(tx: ReadTx, filter: EventFilter, part: Part): Promise<readonly Row[]> {
  const entries = tx.dialect === 'sqlite' ? entriesOfAll(filter, part) : entriesOfEach(filter, part)
  const columns = COLUMNS.map((name) => `e.${name}`).join(', ')
  return queryPart<Row>(tx, {
    sql: `SELECT ${columns} FROM (${entries.sql}) AS a CROSS JOIN events e WHERE e.seq = a.seq ORDER BY a.seq ${part.order}`,
    values: entries.values,
  })
}

/** The numbers of a page's events. SQLite leaves an agent as soon as its next entry is beyond the page. */
function entriesOfAll(filter: EventFilter, part: Part): SqlPart {
  const agents = agentsOf(filter)
  const entries = entriesWhere({ sql: `i.agent_id IN (${agents.sql})`, values: agents.values }, filter, part)
  return { sql: `${entries.sql} ORDER BY i.seq ${part.order} LIMIT ?`, values: [...entries.values, part.limit] }
}

/** The same on PostgreSQL, which would sort the entries of all agents: a page of each, and of these the page. */
function entriesOfEach(filter: EventFilter, part: Part): SqlPart {
  const agents = agentsOf(filter)
  const entries = entriesWhere({ sql: 'i.agent_id = w.agent_id', values: [] }, filter, part)
  const page = `ORDER BY i.seq ${part.order} LIMIT ?`
  return {
    sql: `SELECT i.seq FROM (${agents.sql}) AS w (agent_id) CROSS JOIN LATERAL (${entries.sql} ${page}) AS i ${page}`,
    values: [...agents.values, ...entries.values, part.limit, part.limit],
  }
}

/** The type is asked of one event after the other: if PostgreSQL could choose, it would look for one it does not know in all events. */
function entriesWhere(isOfAgent: SqlPart, { types }: EventFilter, { above, upTo }: Part): SqlPart {
  const conditions: SqlPart[] = [isOfAgent, { sql: 'i.seq > ? AND i.seq <= ?', values: [above, upTo] }]
  if (types !== undefined) {
    const type = '(SELECT e.type FROM events e WHERE e.seq = i.seq)'
    conditions.push({ sql: `${type} IN (${types.map(() => '?').join(', ')})`, values: types })
  }
  const { sql, values } = allOf(conditions)
  return { sql: `SELECT i.seq FROM agent_events i WHERE ${sql}`, values }
}

/** The ids of the agents, each once. */
function agentsOf({ agentIds, ownerId }: EventFilter): SqlPart {
  const parts: SqlPart[] = []
  if (agentIds !== undefined) {
    const each = [...new Set(agentIds)]
    parts.push({ sql: `VALUES ${each.map(() => '(?)').join(', ')}`, values: each })
  }
  if (ownerId !== undefined) {
    parts.push({ sql: 'SELECT o.agent_id FROM agent_owner o WHERE o.owner_id = ?', values: [ownerId] })
  }
  return { sql: parts.map(({ sql }) => sql).join(' INTERSECT '), values: parts.flatMap(({ values }) => values) }
}
