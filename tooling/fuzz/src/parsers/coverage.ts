/** Which blocks of some sources have run: V8's own count, as `node --test` uses it for its reports. */
import { Session } from 'node:inspector/promises'

export class Coverage implements Disposable {
  readonly #session = new Session()
  readonly #seen = new Set<string>()
  readonly #scripts: RegExp

  private constructor(scripts: RegExp) {
    this.#scripts = scripts
    this.#session.connect()
  }

  /** @param scripts whose blocks count, by their addresses */
  static async start(scripts: RegExp): Promise<Coverage> {
    const coverage = new Coverage(scripts)
    await coverage.#session.post('Profiler.enable')
    await coverage.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    return coverage
  }

  /** Blocks seen so far. */
  get blocks(): number {
    return this.#seen.size
  }

  /** The blocks that ran since the last question and that nobody has remembered. */
  async fresh(): Promise<readonly string[]> {
    return (await this.#ran()).filter((block) => !this.#seen.has(block))
  }

  remember(blocks: readonly string[]): void {
    for (const block of blocks) this.#seen.add(block)
  }

  async #ran(): Promise<string[]> {
    // Counts begin anew with every question.
    const { result } = await this.#session.post('Profiler.takePreciseCoverage')
    return result
      .filter(({ url }) => this.#scripts.test(url))
      .flatMap(({ scriptId, functions }) =>
        functions.flatMap(({ ranges }) =>
          // Also what did not run: a block that runs as often as the one around it is told as part of that.
          ranges.map(
            ({ startOffset, endOffset, count }) => `${scriptId}:${startOffset}:${endOffset}:${Math.min(count, 1)}`,
          ),
        ),
      )
  }

  [Symbol.dispose](): void {
    this.#session.disconnect()
  }
}
