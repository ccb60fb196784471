/** Calls, ordered as the rules ask for them. */
import type { Call, FinalAgent, History, Intention, Told } from './history.ts'

type Kind = Intention['kind']
/** A call of one kind. */
export type CallOf<K extends Kind> = Call & { readonly intention: Extract<Intention, { kind: K }> }
export type Done = Call & { readonly outcome: { readonly kind: 'done'; readonly told: Told } }

export const isDone = <C extends Call>(call: C): call is C & Done => call.outcome.kind === 'done'

export function callsOf<K extends Kind>(history: History, agent: FinalAgent, ...kinds: readonly K[]): CallOf<K>[] {
  const wanted: readonly Kind[] = kinds
  return history.calls.filter(
    (call): call is CallOf<K> => call.agentId === agent.agentId && wanted.includes(call.intention.kind),
  )
}

/** All attempts at one intention, in the order in which they began. */
export interface Attempts<C extends Call = Call> {
  readonly key: string
  readonly calls: readonly C[]
  readonly first: C
  /** Whether the server said once that it is done. */
  readonly isDone: boolean
  /** Whether it may have been done: an answer says so, or one is missing. */
  readonly mayBeDone: boolean
}

export function attemptsOf<C extends Call>(calls: readonly C[]): Attempts<C>[] {
  const byKey = Map.groupBy(calls, ({ key }) => key)
  return [...byKey].map(([key, list]) => {
    const ordered = list.toSorted((a, b) => a.startedAt - b.startedAt)
    return {
      key,
      calls: ordered,
      first: ordered[0] as C,
      isDone: ordered.some(isDone),
      mayBeDone: ordered.some(({ outcome }) => outcome.kind !== 'refused'),
    }
  })
}

/** From when on the effect was there for certain. */
export function certainFrom(attempts: Attempts): number {
  return Math.min(...attempts.calls.filter(isDone).map(({ endedAt }) => endedAt))
}

/** After it the effect can no longer come to be. */
export function overAt(attempts: Attempts): number {
  return attempts.isDone ? Math.max(...attempts.calls.map(({ endedAt }) => endedAt)) : Infinity
}

export const sum = (amounts: Iterable<number>): number => [...amounts].reduce((total, amount) => total + amount, 0)
