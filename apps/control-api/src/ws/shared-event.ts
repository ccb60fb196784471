import type { IronEvent, OwnedEvent } from '@iron/journal'
import { eventAnswer } from '../answers/event.ts'

/** An event on its way to many clients: brought into bytes once, for those who see error texts and those who do not. */
export class SharedEvent {
  readonly event: OwnedEvent
  readonly #bytes: [seeing?: Buffer, hiding?: Buffer] = []

  constructor(event: OwnedEvent) {
    this.event = event
  }

  /** The frame for a reader. */
  frame(hidesErrors: boolean): Buffer {
    return (this.#bytes[hidesErrors ? 1 : 0] ??= eventFrame(this.event, hidesErrors))
  }
}

/** The frame of an event. */
export function eventFrame(event: IronEvent, hidesErrors: boolean): Buffer {
  return Buffer.from(JSON.stringify(eventAnswer(event, hidesErrors)))
}
