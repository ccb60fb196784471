import { type EventFilter, type EventLog, type EventPage, JournalError } from '@iron/journal'
import type { EventHub } from './event-hub.ts'
import type { Outbox } from './outbox.ts'
import type { Reader } from './reader.ts'
import { eventFrame, type SharedEvent } from './shared-event.ts'
import { Subscription } from './subscription.ts'

/** How old a page may be, in milliseconds, before its scope is judged anew: owners and roles change (websocket.md 3). */
const PAGE_FRESH_MS = 800

/** Why a stream cannot go on. */
export type StreamEnd = 'slow' | 'failed'

/** What a stream tells its connection. */
export interface StreamOwner {
  /** It ends. */
  onStreamEnd(end: StreamEnd, cause?: unknown): void
  /** Events before the position are gone: it goes on from the head. */
  onStreamReset(error: JournalError): Promise<number>
}

/**
 * The events of one client, in order, each once. Behind the hub it reads the log itself, at the client's pace; once it has
 * caught up it is handed events by the hub.
 */
export class EventStream {
  readonly #hub: EventHub
  readonly #log: EventLog
  readonly #outbox: Outbox
  readonly #owner: StreamOwner
  #reader: Reader
  #subscription = new Subscription()
  #position: number
  #isLive = false
  #isStopped = false
  /** Changes with what is to be seen: a page that was read for something else is read again. */
  #generation = 0

  constructor(
    parts: { readonly hub: EventHub; readonly log: EventLog; readonly outbox: Outbox; readonly owner: StreamOwner },
    reader: Reader,
    position: number,
  ) {
    this.#hub = parts.hub
    this.#log = parts.log
    this.#outbox = parts.outbox
    this.#owner = parts.owner
    this.#reader = reader
    this.#position = position
  }

  get reader(): Reader {
    return this.#reader
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** The last number that was sent or skipped. */
  get position(): number {
    return this.#isLive ? Math.max(this.#position, this.#hub.position) : this.#position
  }

  /** Sends what is behind, then whatever comes. Returns at once. */
  start(): void {
    this.#hub.attach(this)
    this.#catchUp().catch((error: unknown) => this.#end('failed', error))
  }

  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#hub.detach(this)
    this.#outbox.close()
  }

  /** Shows another part from here on. */
  subscribe(subscription: Subscription): void {
    this.#subscription = subscription
    this.#generation += 1
  }

  /** Shows what the reader may see now. */
  changeReader(reader: Reader): void {
    const wasLive = this.#isLive
    if (wasLive) this.#hub.leave(this)
    this.#reader = reader
    this.#generation += 1
    if (wasLive) this.#hub.join(this)
  }

  /** The hub hands it events from now on, from the position it has. */
  goLive(): void {
    this.#isLive = true
  }

  /** The hub does so no more. */
  goBack(): void {
    this.#position = this.position
    this.#isLive = false
  }

  /** The hub has lost its place: this stream looks whether its own is still one before it joins again. */
  recover(): void {
    this.#catchUp({ isInDoubt: true }).catch((error: unknown) => this.#end('failed', error))
  }

  /** An event in the reader's scope. @returns whether something was sent, which is corked until {@link flush} */
  offer(shared: SharedEvent): boolean {
    const { event } = shared
    if (this.#isStopped || event.seq <= this.#position) return false
    this.#position = event.seq
    if (!this.#subscription.matches(event)) return false
    this.#outbox.cork()
    if (this.#outbox.push(shared.frame(this.#reader.hidesErrors))) return true
    this.#outbox.uncork()
    this.#end('slow')
    return false
  }

  flush(): void {
    this.#outbox.uncork()
  }

  /** @param place whether there may be no such position in the log any more: behind one beyond its end, nothing would be new for long */
  async #catchUp(place = { isInDoubt: false }): Promise<void> {
    for (let mayJoin = !place.isInDoubt; ; mayJoin = true) {
      await this.#hub.ready()
      if (!this.#outbox.hasRoom && !(await this.#outbox.room())) this.#end('slow')
      if (this.#isStopped || (mayJoin && this.#hub.join(this))) return
      const generation = this.#generation
      const page = await this.#read()
      // From here: how long the read had to wait for its turn makes no difference to what it saw.
      const readAtMs = performance.now()
      const isStale = (): boolean =>
        this.#isStopped || generation !== this.#generation || performance.now() - readAtMs > PAGE_FRESH_MS
      if (page !== undefined) await this.#send(page, isStale)
    }
  }

  /** `undefined`: what comes next is gone, and it has a new position. */
  async #read(): Promise<EventPage | undefined> {
    try {
      return await this.#log.read(this.#filter(), { after: this.#position })
    } catch (error) {
      if (!(error instanceof JournalError) || error.code !== 'CURSOR_EXPIRED') throw error
      this.#position = await this.#owner.onStreamReset(error)
      return undefined
    }
  }

  /** As far as it holds what may be sent: waiting for the client takes time, in which that can change. */
  async #send(page: EventPage, isStale: () => boolean): Promise<void> {
    for (const event of page.data) {
      if (!this.#outbox.hasRoom) {
        this.#outbox.uncork()
        if (!(await this.#outbox.room())) this.#end('slow')
      }
      if (isStale()) break
      this.#outbox.cork()
      this.#outbox.send(eventFrame(event, this.#reader.hidesErrors))
      this.#position = event.seq
    }
    this.#outbox.uncork()
    if (!isStale()) this.#position = page.nextCursor
  }

  #filter(): EventFilter {
    const { types, agentIds } = this.#subscription
    const { scope } = this.#reader
    switch (scope.kind) {
      case 'all':
        return { types, agentIds }
      case 'own':
        return { types, agentIds, ownerId: scope.ownerId }
      case 'agent':
        return { types, agentIds: (agentIds ?? [scope.agentId]).filter((id) => id === scope.agentId) }
    }
  }

  #end(end: StreamEnd, cause?: unknown): void {
    if (this.#isStopped) return
    this.stop()
    this.#owner.onStreamEnd(end, cause)
  }
}
