import { DatabaseError } from '@iron/database'
import type { RollupRow } from './compute-hour.ts'
import { Counts } from './counts.ts'
import { SUMMED_MICROS_MAX } from './summed-money.ts'

/** A row of figures under its key, whatever time it tells of. */
export type Figures = Omit<RollupRow, 'hour_start'>

const FIGURES = [
  'requests',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'total_tokens',
  'cost_micros',
  'billed_micros',
  'ceiling_micros',
] as const satisfies readonly (keyof Figures)[]

type Figure = (typeof FIGURES)[number]

/** Those that stop at {@link SUMMED_MICROS_MAX}. */
const MONEY = new Set<Figure>(['cost_micros', 'billed_micros', 'ceiling_micros'])

interface Sum {
  readonly key: Pick<Figures, 'subject_id' | 'provider' | 'model' | 'outcome'>
  readonly figures: Record<Figure, number>
  readonly latency: Counts
  readonly costs: Counts
}

/** Figures added up by subject, provider, model and outcome, latencies and costs by how many calls had which. */
export class Sums {
  readonly #sums = new Map<string, Sum>()
  readonly #keepsCosts: boolean
  #isLost = false

  /** @param keeps.costs whether single costs are counted too */
  constructor(keeps: { readonly costs: boolean }) {
    this.#keepsCosts = keeps.costs
  }

  /**
   * Adds a row under a subject, or takes it away.
   *
   * @throws {DatabaseError} UNSAFE_INTEGER: a sum of other figures than money would be beyond 2^53
   */
  add(subject: string, row: Figures, sign: 1 | -1): void {
    const sum = this.#sumOf({ subject_id: subject, provider: row.provider, model: row.model, outcome: row.outcome })
    for (const figure of FIGURES) {
      const [one, other] = [sum.figures[figure], sign * row[figure]]
      // From a sum that stopped nothing can be taken: how far beyond it would be is not known.
      if (sign === -1 && MONEY.has(figure) && one >= SUMMED_MICROS_MAX) this.#isLost = true
      sum.figures[figure] = MONEY.has(figure) ? Math.min(one + other, SUMMED_MICROS_MAX) : exactSum(one, other, figure)
    }
    sum.latency.addText(row.latency, sign)
    if (this.#keepsCosts) sum.costs.addText(row.costs, sign)
  }

  /** Whether nothing was taken away that had not been added, or from a sum that had stopped. */
  arePossible(): boolean {
    const isPossible = ({ figures, latency, costs }: Sum): boolean =>
      FIGURES.every((figure) => figures[figure] >= 0 && (figures.requests > 0 || figures[figure] === 0)) &&
      latency.arePossible() &&
      costs.arePossible()
    return !this.#isLost && [...this.#sums.values()].every(isPossible)
  }

  /** Those that have calls, sorted by key as the roll-ups are. */
  rows(): readonly Figures[] {
    return [...this.#sums.entries()]
      .filter(([, { figures }]) => figures.requests > 0)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(
        ([, { key, figures, latency, costs }]) =>
          ({ ...key, ...figures, latency: String(latency), costs: String(costs) }) as Figures,
      )
  }

  #sumOf(key: Sum['key']): Sum {
    const name = JSON.stringify([key.subject_id, key.provider, key.model, key.outcome])
    let sum = this.#sums.get(name)
    if (sum === undefined) {
      const figures = Object.fromEntries(FIGURES.map((figure) => [figure, 0])) as Record<Figure, number>
      this.#sums.set(name, (sum = { key, figures, latency: new Counts(), costs: new Counts() }))
    }
    return sum
  }
}

/** Beyond 2^53 digits would be lost in silence. */
function exactSum(one: number, other: number, figure: Figure): number {
  const sum = one + other
  if (Number.isSafeInteger(sum)) return sum
  throw new DatabaseError('UNSAFE_INTEGER', 'a sum of calls is beyond 2^53', { details: { column: figure } })
}
