import { DatabaseError } from '../errors.ts'
import { LocalReader } from './local-reader.ts'
import type { ReaderSetup } from './reader-protocol.ts'
import type { SnapshotReader } from './snapshot-reader.ts'
import { ThreadReader } from './thread-reader.ts'

/** Reads that may wait for a reader; above it a caller is told to come back. */
export const QUEUED_READS_MAX = 10_000

/**
 * How long reads may wait for a busy reader before another is started, in milliseconds. Most end sooner than a thread takes to start,
 * and each thread costs 14 MB for good: an idle server, two of whose jobs read at the same moment, would keep two of them.
 */
const PATIENCE_MS = 100

/**
 * Read-only connections in worker threads, started as they are needed: a heavy query never stalls the event loop. Without any thread
 * there is one connection on the caller's, and snapshots take turns on it.
 */
export class ReaderPool {
  readonly #start: () => SnapshotReader
  readonly #size: number
  readonly #readers: SnapshotReader[] = []
  readonly #free: SnapshotReader[] = []
  readonly #waiting: ((reader: SnapshotReader) => void)[] = []
  #growth: NodeJS.Timeout | undefined

  constructor(setup: ReaderSetup, threads: number) {
    this.#start = threads === 0 ? () => new LocalReader(setup) : () => new ThreadReader(setup)
    this.#size = Math.max(1, threads)
  }

  /** Lends a reader to `work` and ends its snapshot afterwards. */
  async use<T>(work: (reader: SnapshotReader) => Promise<T>): Promise<T> {
    const reader = await this.#acquire()
    try {
      return await work(reader)
    } finally {
      reader.end()
      this.#release(reader)
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#growth)
    await Promise.all(this.#readers.map((reader) => reader.close()))
  }

  #acquire(): Promise<SnapshotReader> | SnapshotReader {
    let reader = this.#free.pop()
    while (reader?.failed === true) {
      this.#readers.splice(this.#readers.indexOf(reader), 1)
      reader = this.#free.pop()
    }
    if (reader !== undefined) return reader
    if (this.#readers.length === 0) return this.#add()
    if (this.#waiting.length >= QUEUED_READS_MAX) {
      throw new DatabaseError('DATABASE_BUSY', 'too many reads are waiting', { retryable: true })
    }
    return new Promise<SnapshotReader>((resolve) => {
      this.#waiting.push(resolve)
      this.#growSoon()
    })
  }

  #add(): SnapshotReader {
    const reader = this.#start()
    this.#readers.push(reader)
    return reader
  }

  /** One more reader, if reads still wait by then. */
  #growSoon(): void {
    if (this.#growth !== undefined || this.#readers.length >= this.#size) return
    this.#growth = setTimeout(() => {
      this.#growth = undefined
      this.#waiting.shift()?.(this.#add())
      if (this.#waiting.length > 0) this.#growSoon()
    }, PATIENCE_MS)
  }

  #release(reader: SnapshotReader): void {
    const next = this.#waiting.shift()
    if (next !== undefined && !reader.failed) next(reader)
    else {
      this.#free.push(reader)
      if (next !== undefined) void Promise.resolve(this.#acquire()).then(next)
    }
  }
}
