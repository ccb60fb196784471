import type { RollupRow } from './compute-hour.ts'

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

interface Sum {
  readonly key: Pick<Figures, 'subject_id' | 'provider' | 'model' | 'outcome'>
  readonly figures: Record<Figure, number>
  readonly latency: Map<number, number>
}

/** Figures added up by subject, provider, model and outcome, latencies by their buckets. */
export class Sums {
  readonly #sums = new Map<string, Sum>()

  /** Adds a row under a subject, or takes it away. */
  add(subject: string, row: Figures, sign: 1 | -1): void {
    const sum = this.#sumOf({ subject_id: subject, provider: row.provider, model: row.model, outcome: row.outcome })
    for (const figure of FIGURES) sum.figures[figure] += sign * row[figure]
    for (const [bucket, calls] of Object.entries(JSON.parse(row.latency) as Record<string, number>)) {
      sum.latency.set(Number(bucket), (sum.latency.get(Number(bucket)) ?? 0) + sign * calls)
    }
  }

  /** Whether nothing was taken away that had not been added. */
  arePossible(): boolean {
    return [...this.#sums.values()].every(
      ({ figures, latency }) =>
        FIGURES.every((figure) => figures[figure] >= 0 && (figures.requests > 0 || figures[figure] === 0)) &&
        [...latency.values()].every((calls) => calls >= 0),
    )
  }

  /** Those that have calls, sorted by key as the roll-ups are. */
  rows(): readonly Figures[] {
    return [...this.#sums.entries()]
      .filter(([, { figures }]) => figures.requests > 0)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, { key, figures, latency }]) => ({ ...key, ...figures, latency: latencyText(latency) }) as Figures)
  }

  #sumOf(key: Sum['key']): Sum {
    const name = JSON.stringify([key.subject_id, key.provider, key.model, key.outcome])
    let sum = this.#sums.get(name)
    if (sum === undefined) {
      const figures = Object.fromEntries(FIGURES.map((figure) => [figure, 0])) as Record<Figure, number>
      this.#sums.set(name, (sum = { key, figures, latency: new Map() }))
    }
    return sum
  }
}

/** Members that are whole numbers stand in ascending order, so that equal histograms are equal texts. */
function latencyText(latency: ReadonlyMap<number, number>): string {
  return JSON.stringify(Object.fromEntries([...latency].filter(([, calls]) => calls > 0)))
}
