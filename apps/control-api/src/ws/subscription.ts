import type { IronEvent } from '@iron/journal'
import type { SubscribeFrame } from './client-frame.ts'

/** What a client wants to see of what it may see; absent or empty lists narrow nothing (websocket.md 4). */
export class Subscription {
  /** Names and groups as the client gave them, which the event log understands. */
  readonly types: readonly string[] | undefined
  readonly agentIds: readonly string[] | undefined
  readonly #names: ReadonlySet<string> | undefined
  readonly #groups: readonly string[]
  readonly #agents: ReadonlySet<string> | undefined

  constructor({ types, agent_ids: agentIds }: Pick<SubscribeFrame, 'types' | 'agent_ids'> = {}) {
    this.types = given(types)
    this.agentIds = given(agentIds)
    this.#names = this.types && new Set(this.types)
    this.#groups = (this.types ?? []).filter((type) => type.endsWith('.*')).map((group) => group.slice(0, -1))
    this.#agents = this.agentIds && new Set(this.agentIds)
  }

  /** Whether an event is wanted. */
  matches({ type, agentId }: IronEvent): boolean {
    if (this.#agents !== undefined && !this.#agents.has(agentId)) return false
    return this.#names === undefined || this.#names.has(type) || this.#groups.some((group) => type.startsWith(group))
  }
}

function given(list: readonly string[] | undefined): readonly string[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list
}
