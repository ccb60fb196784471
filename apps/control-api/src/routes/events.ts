import { LIMIT_DEFAULT } from '@iron/database'
import { JournalError } from '@iron/journal'
import { eventAnswer, eventShape } from '../answers/event.ts'
import { logOfShape } from '../answers/list.ts'
import { validationError } from '../http/errors.ts'
import { hidesDetails } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { cursor, id, object, optional, text } from '../http/schemas.ts'
import { ownOnly } from './scope.ts'

/** Code points of a list of event types: room for every type there is. */
const TYPES_MAX = 500
const SEQ = /^(0|[1-9]\d{0,15})$/

export const eventRoutes = [
  defineRoute({
    method: 'GET',
    path: '/events',
    auth: 'user',
    permission: 'events:read',
    rateLimit: 'read',
    audit: [],
    summary: 'List events, oldest first; poll with the last position',
    query: object({ ...cursor, type: optional(text({ max: TYPES_MAX })), agent_id: optional(id('agent')) }),
    answers: { 200: logOfShape(eventShape) },
    errors: ['CURSOR_EXPIRED'],
    handler: async ({ services, query, principal, scope }) => {
      const { limit = LIMIT_DEFAULT, order = 'asc', agent_id: agentId } = query
      const filter = {
        types: query.type?.split(',').map((type) => type.trim()),
        agentIds: agentId === undefined ? undefined : [agentId],
        ownerId: ownOnly({ principal, scope }),
      }
      const after = positionOf(query.after)
      const page = await namingTypes(() => services.events.read(filter, { after, limit, order }))
      // Whoever polls needs the position; who reads backwards needs to know when the log is at its beginning.
      const isAtEnd = order === 'desc' && after !== 'latest' && page.data.length < limit
      return {
        body: {
          data: page.data.map((event) => eventAnswer(event, hidesDetails(principal))),
          next_cursor: isAtEnd ? null : String(page.nextCursor),
        },
      }
    },
  }),
]

/** @throws {ApiError} VALIDATION_ERROR for what is no position of this log */
function positionOf(after: string | undefined): number | 'latest' | undefined {
  if (after === undefined || after === 'latest') return after
  const seq = SEQ.test(after) ? Number(after) : Number.NaN
  if (!Number.isSafeInteger(seq)) throw validationError({ 'query.after': 'must be a number of an event, or latest' })
  return seq
}

/** What is wrong with one of the types is wrong with the parameter that lists them. */
async function namingTypes<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof JournalError) || error.code !== 'VALIDATION_ERROR') throw error
    const [text = 'is not valid'] = Object.values((error.details['fields'] ?? {}) as Record<string, string>)
    throw validationError({ 'query.type': text })
  }
}
