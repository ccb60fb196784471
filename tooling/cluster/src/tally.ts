/** What clients saw: answers by status and code, connections that broke, the slowest answer. */
import { type Answer, Hang } from './client.ts'

export class Tally {
  readonly #outcomes = new Map<string, number>()
  slowestMs = 0
  /** 503 without the time after which to come again. */
  unhelpful = 0
  hangs = 0

  note(answer: Answer): void {
    const code = answer.status < 400 ? '' : ` ${String(answer.body['code'])}`
    this.#count(`${answer.status}${code}`)
    this.slowestMs = Math.max(this.slowestMs, answer.tookMs)
    if (answer.status === 503 && answer.headers['retry-after'] === undefined) this.unhelpful += 1
  }

  broke(error: unknown): void {
    if (error instanceof Hang) this.hangs += 1
    else this.#count('connection broke')
  }

  count(outcome: string): number {
    return this.#outcomes.get(outcome) ?? 0
  }

  get total(): number {
    return [...this.#outcomes.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Outcomes that are none of those expected. */
  others(...expected: readonly string[]): string[] {
    return [...this.#outcomes.keys()].filter((outcome) => !expected.includes(outcome))
  }

  toString(): string {
    const outcomes = [...this.#outcomes]
      .sort(([, a], [, b]) => b - a)
      .map(([outcome, count]) => `${count} × ${outcome}`)
    return `${outcomes.join(', ')}; slowest ${Math.round(this.slowestMs)} ms`
  }

  #count(outcome: string): void {
    this.#outcomes.set(outcome, this.count(outcome) + 1)
  }
}
