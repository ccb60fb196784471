import type { OwnedEvent } from '@iron/journal'
import type { EventStream } from './event-stream.ts'
import type { ReaderScope } from './reader.ts'

/** The live streams, found by what they may see: an event costs as much as it has readers, however many others there are. */
export class Audience {
  readonly #all = new Set<EventStream>()
  readonly #ofOwner = new Map<string, Set<EventStream>>()
  readonly #ofAgent = new Map<string, Set<EventStream>>()
  readonly #places = new Map<EventStream, () => void>()

  get size(): number {
    return this.#places.size
  }

  /** Every live stream. */
  members(): EventStream[] {
    return [...this.#places.keys()]
  }

  add(stream: EventStream): void {
    const { scope } = stream.reader
    const set = this.#setOf(scope)
    set.add(stream)
    this.#places.set(stream, () => {
      set.delete(stream)
      if (set.size > 0) return
      if (scope.kind === 'own') this.#ofOwner.delete(scope.ownerId)
      if (scope.kind === 'agent') this.#ofAgent.delete(scope.agentId)
    })
  }

  delete(stream: EventStream): void {
    this.#places.get(stream)?.()
    this.#places.delete(stream)
  }

  /** Calls with every stream whose reader may see an event. */
  forEach({ ownerId, agentId }: OwnedEvent, call: (stream: EventStream) => void): void {
    for (const stream of this.#all) call(stream)
    if (ownerId !== null) for (const stream of this.#ofOwner.get(ownerId) ?? NONE) call(stream)
    for (const stream of this.#ofAgent.get(agentId) ?? NONE) call(stream)
  }

  #setOf(scope: ReaderScope): Set<EventStream> {
    switch (scope.kind) {
      case 'all':
        return this.#all
      case 'own':
        return found(this.#ofOwner, scope.ownerId)
      case 'agent':
        return found(this.#ofAgent, scope.agentId)
    }
  }
}

const NONE: ReadonlySet<EventStream> = new Set()

function found(sets: Map<string, Set<EventStream>>, key: string): Set<EventStream> {
  let set = sets.get(key)
  if (set === undefined) sets.set(key, (set = new Set()))
  return set
}
