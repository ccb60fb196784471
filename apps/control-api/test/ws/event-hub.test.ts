/** The one follower of the log, where no server shows what it does. */
import { setImmediate } from 'node:timers/promises'
import type { EventLog, OwnedEvent, OwnedPage } from '@iron/journal'
import { expect, test } from '@jest/globals'
import { pino } from 'pino'
import { EventHub } from '../../src/ws/event-hub.ts'
import type { EventStream } from '../../src/ws/event-stream.ts'

const event = (seq: number): OwnedEvent => ({
  id: `evt_${String(seq)}`,
  seq,
  at: 0,
  type: 'agent.started',
  agentId: 'agent_1',
  data: {},
  ownerId: null,
})

/** A log whose readers get what they are given, and that knows from where each began. */
class ScriptedLog {
  head = 0
  readonly followedFrom: number[] = []
  #hand: (page: OwnedPage | undefined) => void = () => undefined

  async bounds() {
    return { oldest: 1, head: this.head }
  }

  async *feed({ after, signal }: { after: number; signal: AbortSignal }) {
    this.followedFrom.push(after)
    const page = await new Promise<OwnedPage | undefined>((resolve) => {
      this.#hand = resolve
      signal.addEventListener('abort', () => resolve(undefined))
    })
    if (page !== undefined) yield page
  }

  hand(...seqs: readonly number[]): void {
    this.head = seqs.at(-1) ?? this.head
    this.#hand({ data: seqs.map(event), nextCursor: this.head })
  }
}

test('a client that is closed for being slow, as the last one, leaves no place behind where the next would begin', async () => {
  const log = new ScriptedLog()
  const hub = new EventHub(log as unknown as EventLog, pino({ level: 'silent' }))
  const stream = (offer: (self: EventStream) => void): EventStream => {
    const self = {
      reader: { scope: { kind: 'all' } },
      position: log.head,
      isStopped: false,
      offer: () => offer(self as unknown as EventStream),
      flush: () => undefined,
      goLive: () => undefined,
    }
    return self as unknown as EventStream
  }
  const slow = stream((self) => hub.detach(self))
  hub.attach(slow)
  await hub.ready()
  hub.join(slow)
  await setImmediate()
  log.hand(1, 2)
  await setImmediate()
  // Much later.
  log.head = 1_000_000
  hub.attach(stream(() => undefined))
  await hub.ready()
  await setImmediate()
  expect(log.followedFrom).toEqual([0, 1_000_000])
  await hub.close()
})
