import type { Logger } from '../observability/logger.ts'

/** Periodic work that never overlaps itself and never keeps the process alive (OPS-09). */
export class Timers {
  readonly #logger: Logger
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /**
   * Runs `work` every `everyMs`, the next time only after it has finished; the first time after that long, or at once.
   *
   * @param options.againMs how soon it runs again when it resolves to true: it has left something over
   */
  every(
    name: string,
    everyMs: number,
    work: () => Promise<unknown>,
    { atOnce = false, againMs = everyMs }: { readonly atOnce?: boolean; readonly againMs?: number } = {},
  ): void {
    const schedule = (afterMs: number): void => {
      if (this.#stopped) return
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        const run: Promise<void> = this.#run(name, work).then((isLeftOver) => {
          this.#running.delete(run)
          schedule(isLeftOver ? againMs : everyMs)
        })
        this.#running.add(run)
      }, afterMs)
      timer.unref()
      this.#timers.add(timer)
    }
    schedule(atOnce ? 0 : everyMs)
  }

  /** Starts nothing more and waits for what runs. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers) clearTimeout(timer)
    await Promise.all(this.#running)
  }

  /** Whether it has left something over. */
  async #run(name: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      return (await work()) === true
    } catch (error) {
      this.#logger.error({ job: name, err: error }, 'job failed')
      return false
    }
  }
}
