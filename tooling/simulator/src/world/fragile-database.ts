/**
 * The database as one server process sees it: with that host's clock, with a note of the order in which writes ran, and with an
 * end. A crash between two statements takes the whole group with it, because nothing of it was committed yet.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock, IdSource, IronDatabase, PreparedQuery, ReadTx, WriteTx } from '@iron/database'

/** When one command's write ran. */
export interface Ticket {
  /** Rises with the order in which the writes of all servers ran; undefined before. */
  ran: number | undefined
}

/** The process is gone: nobody gets an answer from it any more. */
export class Crash extends Error {
  constructor() {
    super('the server crashed')
  }
}

export const tickets = new AsyncLocalStorage<Ticket>()
let writes = 0

export class FragileDatabase implements IronDatabase {
  readonly clock: Clock
  readonly #inner: IronDatabase
  /** Statements until the crash; undefined: none is planned. */
  #left: number | undefined
  #isDead = false

  constructor(inner: IronDatabase, clock: Clock) {
    this.#inner = inner
    this.clock = clock
  }

  /** Plans a crash before the statement after so many others of the commands under way; undefined calls it off. */
  crashAfter(statements: number | undefined): void {
    this.#left = statements
  }

  get isDead(): boolean {
    return this.#isDead
  }

  get dialect(): IronDatabase['dialect'] {
    return this.#inner.dialect
  }

  get url(): string {
    return this.#inner.url
  }

  get ids(): IdSource {
    return this.#inner.ids
  }

  get waiting(): number {
    return this.#inner.waiting
  }

  async read<T>(work: (tx: ReadTx) => Promise<T>, options?: Parameters<IronDatabase['read']>[1]): Promise<T> {
    if (this.#isDead) throw new Crash()
    return this.#inner.read(work, options)
  }

  async write<T>(work: (tx: WriteTx) => Promise<T>, options?: Parameters<IronDatabase['write']>[1]): Promise<T> {
    if (options?.tx !== undefined) return work(options.tx)
    if (this.#isDead) throw new Crash()
    const ticket = tickets.getStore()
    if (ticket === undefined) return this.#inner.write(work, options)
    return this.#inner.write(async (tx) => {
      ticket.ran = writes += 1
      try {
        const value = await work(new FragileTransaction(tx, this))
        await this.statement(tx)
        return value
      } catch (error) {
        // Whatever a process says once it is dead, it says to nobody.
        throw this.#isDead ? new Crash() : error
      }
    }, options)
  }

  /** Before every statement, and before what ends the transaction. */
  async statement(tx: WriteTx): Promise<void> {
    if (this.#isDead) throw new Crash()
    if (this.#left === undefined) return
    this.#left -= 1
    if (this.#left >= 0) return
    this.#isDead = true
    // The engine finds no transaction any more, as after a crash, and gives up the whole group.
    await tx.execute({ sql: 'ROLLBACK', parameters: [] })
    throw new Crash()
  }

  listen(...call: Parameters<IronDatabase['listen']>): ReturnType<IronDatabase['listen']> {
    return this.#inner.listen(...call)
  }

  ping(): ReturnType<IronDatabase['ping']> {
    return this.#inner.ping()
  }

  backup(file: string): Promise<void> {
    return this.#inner.backup(file)
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

class FragileTransaction implements WriteTx {
  readonly #inner: WriteTx
  readonly #database: FragileDatabase

  constructor(inner: WriteTx, database: FragileDatabase) {
    this.#inner = inner
    this.#database = database
  }

  get sql(): WriteTx['sql'] {
    return this.#inner.sql
  }

  get dialect(): WriteTx['dialect'] {
    return this.#inner.dialect
  }

  async execute<R>(query: PreparedQuery) {
    await this.#database.statement(this.#inner)
    this.#mustLive()
    return this.#inner.execute<R>(query)
  }

  async executeAll(queries: readonly PreparedQuery[]): ReturnType<WriteTx['executeAll']> {
    for (const _ of queries) await this.#database.statement(this.#inner)
    this.#mustLive()
    return this.#inner.executeAll(queries)
  }

  /** It may have crashed at a statement that was asked for at the same time. */
  #mustLive(): void {
    if (this.#database.isDead) throw new Crash()
  }

  savepoint<T>(work: (tx: WriteTx) => Promise<T>): Promise<T> {
    return this.#inner.savepoint((tx) => work(new FragileTransaction(tx, this.#database)))
  }

  lock(...call: Parameters<WriteTx['lock']>): Promise<void> {
    return this.#inner.lock(...call)
  }

  holds(...call: Parameters<WriteTx['holds']>): boolean {
    return this.#inner.holds(...call)
  }

  inTurn<T>(name: string, work: (isFirst: boolean) => Promise<T>): Promise<T> {
    return this.#inner.inTurn(name, work)
  }

  defer(...call: Parameters<WriteTx['defer']>): void {
    this.#inner.defer(...call)
  }

  afterCommit(run: () => void): void {
    this.#inner.afterCommit(run)
  }

  notify(channel: string, payload: string): void {
    this.#inner.notify(channel, payload)
  }
}
