/**
 * What the benches ask: one question, answered by several contestants, each in a process of its own. Figures are compared
 * only within one run, as ratios; a figure by itself says as much about the machine.
 */

/** This project, what somebody would use instead, or the least that could do the job at all. */
export type Role = 'ours' | 'rival' | 'limit'

/** What one run of a contestant measured, by the names of the question's figures. */
export type Figures = Readonly<Record<string, number>>

/** Who answers a question. */
export interface Contestant {
  readonly name: string
  readonly role: Role
  /** Makes sure that it answers rightly, then measures. */
  readonly measure: () => Promise<Figures>
}

/** What is expected of our figure. */
export type Target =
  /** At least so many times as good as a contestant of this name: half the time, or twice the rate, is 2. */
  | { readonly against: string; readonly times: number }
  /** At most (where less is better) or at least so much, in the figure's unit, whatever the others do. */
  | { readonly bound: number }

/** One number that is measured. */
export interface Figure {
  readonly title: string
  readonly unit: string
  readonly better: 'less' | 'more'
  readonly targets: readonly Target[]
}

export interface Question {
  readonly figures: Readonly<Record<string, Figure>>
  readonly contestants: readonly Contestant[]
}

/** How many times as good `ours` is as `other`. */
export function timesAsGood({ better }: Pick<Figure, 'better'>, ours: number, other: number): number {
  return better === 'less' ? other / ours : ours / other
}
