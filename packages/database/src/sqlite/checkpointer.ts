import { type SqliteConnection, WAL_CHECKPOINT_PAGES } from './connection.ts'

/** Pages of the write-ahead log after which it is copied: early enough to be done before the writer would do it. */
const CHECKPOINT_PAGES = WAL_CHECKPOINT_PAGES / 2

/** How often the length of the log is looked at, in milliseconds. */
const LOOK_MS = 50
/** How long after a checkpoint that failed, or that a reader kept from its end, the next is tried, in milliseconds. */
const AGAIN_MS = 1_000

/** How far the write-ahead log has been copied, in pages. */
interface Progress {
  readonly log: number
  readonly checkpointed: number
}

/** What a checkpoint needs of its database. */
export interface CheckpointParts {
  /** Copies the log beside the writer, on a thread of its own. */
  readonly copy: () => Promise<void>
  /** Runs `work` between two transactions of the writer. */
  readonly between: (work: () => void) => Promise<void>
  readonly report: (error: unknown) => void
}

/**
 * Copies the write-ahead log into the database before the writer itself would, which stands still meanwhile (measured: some 20 ms every
 * few seconds of load). A thread copies all but what is written at the same time; that little the writer copies, because its log
 * begins anew only when nothing of it is left to copy.
 */
export class Checkpointer {
  readonly #connection: SqliteConnection
  readonly #parts: CheckpointParts
  readonly #pages: number
  #running: Promise<void> | undefined
  #nextLookMs = -Infinity

  constructor(connection: SqliteConnection, parts: CheckpointParts, pages: number = CHECKPOINT_PAGES) {
    this.#connection = connection
    this.#parts = parts
    this.#pages = pages
  }

  /** To be called right after a commit. Never throws. */
  committed(): void {
    if (this.#running !== undefined || performance.now() < this.#nextLookMs) return
    this.#lookIn(LOOK_MS)
    if (!this.#isDue()) return
    this.#running = this.#run().finally(() => (this.#running = undefined))
  }

  /** Waits for the checkpoint that is under way. */
  async settled(): Promise<void> {
    await this.#running
  }

  #isDue(): boolean {
    try {
      return this.#left('NOOP') >= this.#pages
    } catch (error) {
      this.#failed(error)
      return false
    }
  }

  async #run(): Promise<void> {
    try {
      await this.#parts.copy()
      await this.#parts.between(() => {
        if (this.#left('PASSIVE') > 0) this.#lookIn(AGAIN_MS)
      })
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    this.#lookIn(AGAIN_MS)
    this.#parts.report(error)
  }

  #lookIn(ms: number): void {
    this.#nextLookMs = performance.now() + ms
  }

  /** Pages that have not been copied; `NOOP` only asks. */
  #left(mode: 'NOOP' | 'PASSIVE'): number {
    const { rows } = this.#connection.run<Progress>({ sql: `PRAGMA wal_checkpoint(${mode})`, parameters: [] })
    const [{ log, checkpointed } = { log: 0, checkpointed: 0 }] = rows
    return log - checkpointed
  }
}
