import { Worker } from 'node:worker_threads'
import type { Kysely, QueryResult } from 'kysely'
import { DatabaseError, type DatabaseErrorCode } from '../errors.ts'
import { kyselyOn } from '../kysely-executor.ts'
import type { IronSchema } from '../schema.ts'
import type { PreparedQuery } from '../transaction.ts'
import type { FlatRows } from './connection.ts'
import type { ReaderAnswer, ReaderQuestion, ReaderSetup } from './reader-protocol.ts'
import type { SnapshotReader } from './snapshot-reader.ts'

interface Pending {
  readonly resolve: (answer: ReaderAnswer) => void
  readonly reject: (error: unknown) => void
}

/** One reader thread: answers in the order of the questions. */
export class ThreadReader implements SnapshotReader {
  readonly #worker: Worker
  readonly #pending: Pending[] = []
  readonly kysely: Kysely<IronSchema>
  #failure: DatabaseError | undefined

  constructor(setup: ReaderSetup) {
    // Beside this file stands the same worker in the language this file is in: sources in tests, JavaScript when built.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const place = extension === 'ts' ? './reader-worker.ts' : './sqlite/reader-worker.js'
    this.#worker = new Worker(new URL(place, import.meta.url), { workerData: setup, ...withoutInputType() })
    this.#worker.unref()
    this.#worker.on('message', (answer: ReaderAnswer) => {
      this.#pending.shift()?.resolve(answer)
      if (this.#pending.length === 0) this.#worker.unref()
    })
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(undefined))
    this.kysely = kyselyOn('sqlite', this)
  }

  get failed(): boolean {
    return this.#failure !== undefined
  }

  async execute<R>({ sql, parameters }: PreparedQuery): Promise<QueryResult<R>> {
    return this.#ask({ kind: 'query', sql, parameters })
  }

  async backup(file: string): Promise<void> {
    await this.#ask({ kind: 'backup', file })
  }

  async checkpoint(): Promise<void> {
    await this.#ask({ kind: 'checkpoint' })
  }

  async #ask<R>(question: ReaderQuestion): Promise<QueryResult<R>> {
    if (this.#failure !== undefined) throw this.#failure
    const answer = await new Promise<ReaderAnswer>((resolve, reject) => {
      this.#pending.push({ resolve, reject })
      this.#worker.ref()
      this.#send(question)
    })
    if ('values' in answer) return { rows: rowsOf<R>(answer) }
    const { code, message, details, retryable } = answer.failure
    if (code === null) throw new Error(message)
    throw new DatabaseError(code as DatabaseErrorCode, message, { details, retryable })
  }

  /** Messages are ordered, so nobody needs to wait. */
  end(): void {
    this.#send({ kind: 'end' })
  }

  async close(): Promise<void> {
    if (this.failed) return
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()))
    this.#worker.ref()
    this.#send({ kind: 'close' })
    await exited
  }

  #send(question: ReaderQuestion): void {
    if (!this.failed) this.#worker.postMessage(question)
  }

  #fail(cause: unknown): void {
    this.#failure ??= new DatabaseError('DATABASE_UNAVAILABLE', 'a reader thread has ended', { retryable: true, cause })
    for (const { reject } of this.#pending.splice(0)) reject(this.#failure)
  }
}

/**
 * What says how `node --eval` reads its text is nothing for a file: a thread that inherits it does not start. All else a thread does
 * inherit unless it is told, and must not be told what is V8's, such as the size of the heap.
 */
function withoutInputType(): { execArgv?: string[] } {
  const others = process.execArgv.filter((argument) => !argument.startsWith('--input-type'))
  return others.length === process.execArgv.length ? {} : { execArgv: others }
}

/** Gives the values their names back. */
function rowsOf<R>({ columns, values }: FlatRows): R[] {
  const rows: R[] = []
  for (let next = 0; next < values.length;) {
    const row: Record<string, unknown> = {}
    for (const column of columns) row[column] = values[next++]
    rows.push(row as R)
  }
  return rows
}
