/** How many calls have each value of something that is counted in whole numbers, as roll-ups keep it: `{"120":3,"131":1}`. */
export class Counts {
  readonly #calls = new Map<number, number>()

  /** Adds calls of one value, or takes them away. */
  add(value: number, calls: number): void {
    this.#calls.set(value, (this.#calls.get(value) ?? 0) + calls)
  }

  /** Adds what a text holds, or takes it away. */
  addText(text: string, sign: 1 | -1): void {
    for (const [value, calls] of Object.entries(JSON.parse(text) as Record<string, number>)) {
      this.add(Number(value), sign * calls)
    }
  }

  /** Whether nothing was taken away that had not been added. */
  arePossible(): boolean {
    return [...this.#calls.values()].every((calls) => calls >= 0)
  }

  /** In ascending order, so that equal counts are equal texts. */
  toString(): string {
    const told = [...this.#calls].filter(([, calls]) => calls > 0).sort(([one], [other]) => one - other)
    return `{${told.map(([value, calls]) => `"${value}":${calls}`).join(',')}}`
  }
}
