/** The one follower of the log, where no server shows what it does. */
import { setImmediate } from 'node:timers/promises'
import { type EventLog, type EventPage, JournalError, type OwnedEvent, type OwnedPage } from '@iron/journal'
import { expect, test } from '@jest/globals'
import { pino } from 'pino'
import { EventHub } from '../../src/ws/event-hub.ts'
import { EventStream } from '../../src/ws/event-stream.ts'
import type { Outbox } from '../../src/ws/outbox.ts'
import type { Reader } from '../../src/ws/reader.ts'

const silent = pino({ level: 'silent' })
const everything = { scope: { kind: 'all' }, hidesErrors: false } as unknown as Reader

const event = (seq: number): OwnedEvent => ({
  id: `evt_${String(seq)}`,
  seq,
  at: 0,
  type: 'agent.started',
  agentId: 'agent_1',
  data: {},
  ownerId: null,
})

/** A log whose followers get what they are given. */
class ScriptedLog {
  head = 0
  readonly followedFrom: number[] = []
  #follower = Promise.withResolvers<OwnedPage | undefined>()

  async bounds() {
    return { oldest: 1, head: this.head }
  }

  async read(_: unknown, { after }: { after: number }): Promise<EventPage> {
    if (after > this.head) throw this.#unknown()
    return { data: [], nextCursor: this.head }
  }

  async *feed({ after, signal }: { after: number; signal: AbortSignal }) {
    this.followedFrom.push(after)
    signal.addEventListener('abort', () => this.#follower.resolve(undefined))
    for (;;) {
      this.#follower = Promise.withResolvers()
      const page = await this.#follower.promise
      if (page === undefined) return
      yield page
    }
  }

  hand(...seqs: readonly number[]): void {
    this.head = seqs.at(-1) ?? this.head
    this.#follower.resolve({ data: seqs.map(event), nextCursor: this.head })
  }

  /** It is a copy now that never got its last events. */
  fallBackTo(head: number): void {
    this.head = head
    this.#follower.reject(this.#unknown())
  }

  #unknown(): JournalError {
    return new JournalError('CURSOR_EXPIRED', 'no such position', { details: { reason: 'unknown_position' } })
  }
}

function scripted() {
  const log = new ScriptedLog()
  return { log, hub: new EventHub(log as unknown as EventLog, silent) }
}

test('a client that is closed for being slow, as the last one, leaves no place behind where the next would begin', async () => {
  const { log, hub } = scripted()
  const client = (offer: (self: EventStream) => void): EventStream => {
    const self = { reader: everything, position: log.head, isStopped: false, goLive: () => undefined }
    const stream = Object.assign(self, { offer: () => offer(stream), flush: () => undefined }) as unknown as EventStream
    return stream
  }
  const slow = client((self) => hub.detach(self))
  hub.attach(slow)
  await hub.ready()
  hub.join(slow)
  await setImmediate()
  log.hand(1, 2)
  await setImmediate()
  // Much later.
  log.head = 1_000_000
  hub.attach(client(() => undefined))
  await hub.ready()
  await setImmediate()
  expect(log.followedFrom).toEqual([0, 1_000_000])
  await hub.close()
})

test('a log that falls back behind its clients is told to them, and what it writes from there on reaches them', async () => {
  const { log, hub } = scripted()
  const told: (number | string)[] = []
  const received = new Set<number>()
  const arrival = async (seq: number): Promise<void> => {
    while (!received.has(seq)) await setImmediate()
  }
  const outbox = {
    hasRoom: true,
    cork: () => undefined,
    uncork: () => undefined,
    close: () => undefined,
    push: (frame: Buffer) => {
      const { seq } = JSON.parse(frame.toString()) as { seq: number }
      told.push(seq)
      received.add(seq)
      return true
    },
  } as unknown as Outbox
  const owner = {
    onStreamEnd: (end: string) => void told.push(end),
    onStreamReset: async ({ details }: JournalError) => {
      told.push(String(details['reason']))
      return log.head
    },
  }
  const stream = new EventStream({ hub, log: log as unknown as EventLog, outbox, owner }, everything, 0)
  stream.start()
  await hub.ready()
  await setImmediate()
  log.hand(1, 2, 3)
  await arrival(3)
  log.fallBackTo(1)
  while (log.followedFrom.length < 2) await setImmediate()
  await setImmediate()
  received.clear()
  log.hand(2)
  await arrival(2)
  expect(told).toEqual([1, 2, 3, 'unknown_position', 2])
  stream.stop()
  await hub.close()
})
