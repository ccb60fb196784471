/** Which values an agent's allocation may have had during a time, as far as the clients can know. */
import { attemptsOf, callsOf, certainFrom, overAt } from './calls.ts'
import type { FinalAgent, History } from './history.ts'

interface Setting {
  readonly allocated: number
  readonly possibleFrom: number
  /** From when on it certainly was in force, until another was. */
  readonly certainFrom: number
  /** When its last attempt was over: it cannot come into force later. */
  readonly overAt: number
}

export class PossibleAllocations {
  readonly #settings: Setting[]

  constructor(history: History, agent: FinalAgent) {
    const initial = agent.versions.find(({ version }) => version === 1)?.allocated ?? 0
    const begun = { allocated: initial, possibleFrom: -Infinity, certainFrom: -Infinity, overAt: -Infinity }
    const changes = attemptsOf(callsOf(history, agent, 'allocate', 'approve')).filter(({ mayBeDone }) => mayBeDone)
    this.#settings = [
      begun,
      ...changes.map((attempts) => ({
        allocated: attempts.first.intention.allocated,
        possibleFrom: attempts.first.startedAt,
        certainFrom: certainFrom(attempts),
        overAt: overAt(attempts),
      })),
    ]
  }

  /** Without those that another had certainly replaced before. */
  during(from: number, to: number): number[] {
    const begun = this.#settings.filter(({ possibleFrom }) => possibleFrom < to)
    const isReplaced = (setting: Setting): boolean =>
      begun.some((other) => other.possibleFrom > setting.overAt && other.certainFrom <= from)
    return begun.filter((setting) => !isReplaced(setting)).map(({ allocated }) => allocated)
  }
}
