import { EVENT_TYPES, type IronEvent } from '@iron/journal'
import { id, oneOf, time } from '../http/schemas.ts'
import { isoTime } from './scalars.ts'
import { anyObject, component, whole } from './shape.ts'

export const eventShape = component('Event', {
  type: oneOf(...EVENT_TYPES),
  id: id('evt'),
  seq: whole(4_711),
  timestamp: time(),
  agent_id: id('agent'),
  data: anyObject(),
})

/** `Event` of http-api 4.18, and the frame of websocket.md 5: the same object. */
export interface EventAnswer {
  readonly type: string
  readonly id: string
  readonly seq: number
  readonly timestamp: string
  readonly agent_id: string
  readonly data: Readonly<Record<string, unknown>>
}

/** An event as it leaves the server. @param hidesErrors the reader is a viewer: error texts are not for them (websocket.md 3) */
export function eventAnswer(event: IronEvent, hidesErrors: boolean): EventAnswer {
  const hides = hidesErrors && event.data['error_message'] !== undefined
  return {
    type: event.type,
    id: event.id,
    seq: event.seq,
    timestamp: isoTime(event.at),
    agent_id: event.agentId,
    data: hides ? { ...event.data, error_message: null } : event.data,
  }
}
