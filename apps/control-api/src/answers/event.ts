import type { IronEvent } from '@iron/journal'
import { isoTime } from './scalars.ts'

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
