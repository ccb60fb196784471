import type { Kysely, QueryResult } from 'kysely'
import { allDone } from './all-done.ts'
import { DatabaseError } from './errors.ts'
import type { Executor } from './kysely-executor.ts'
import type { IronSchema } from './schema.ts'
import type { DeferredQueue, DialectName, PreparedQuery, WriteTx } from './transaction.ts'

/** What an engine gives a transaction: where its statements run, and how it nests and locks. */
export interface TransactionEngine {
  /** The handle whose transactions it makes. */
  readonly owner: object
  readonly dialect: DialectName
  readonly executor: Executor
  readonly kysely: Kysely<IronSchema>
  /** As {@link WriteTx.executeAll}. */
  executeAll(queries: readonly PreparedQuery[]): Promise<readonly QueryResult<unknown>[]>
  /** Runs a statement without result: SAVEPOINT and its kin. */
  command(sql: string): Promise<void>
  lock(name: string, shared: boolean): Promise<void>
}

/** Wakes listeners, after the commit. */
export type Notify = (channel: string, payload: string) => void

/** Savepoints of jobs that run side by side would not nest. Whoever needs one fails, and is run again in a transaction of its own. */
function withoutSavepoints(engine: TransactionEngine): TransactionEngine {
  const command = async (): Promise<never> => {
    throw new Error('a job that shares its transaction has no savepoints')
  }
  return { ...engine, command }
}

/**
 * A write transaction while it is open. It collects what must wait for its end (deferred rows, wake-ups, after-commit work),
 * so that a savepoint that is undone takes its share with it.
 */
export class OpenTransaction implements WriteTx {
  readonly dialect: DialectName
  readonly #engine: TransactionEngine
  readonly #depth: number
  /** Names that are locked until the end of the transaction; true: shared. */
  readonly #held: Map<string, boolean>
  /** The last of each name that jobs take turns in; undefined where they do not run side by side. */
  readonly #turns: Map<string, Promise<unknown>> | undefined
  #state: 'open' | 'nested' | 'closed' = 'open'
  #deferred: Map<DeferredQueue<never>, unknown[]> | undefined
  #afterCommit: (() => void)[] | undefined
  #notifications: Map<string, string> | undefined
  #partTurns: Map<string, Promise<unknown>> | undefined

  constructor(
    engine: TransactionEngine,
    depth = 0,
    held: ReadonlyMap<string, boolean> = new Map(),
    turns?: Map<string, Promise<unknown>>,
  ) {
    this.#engine = engine
    this.#depth = depth
    this.#held = new Map(held)
    this.#turns = turns
    this.dialect = engine.dialect
  }

  get owner(): object {
    return this.#engine.owner
  }

  get sql(): Kysely<IronSchema> {
    this.#mustBeOpen()
    return this.#engine.kysely
  }

  get isOpen(): boolean {
    return this.#state !== 'closed'
  }

  execute<R>(query: PreparedQuery): Promise<QueryResult<R>> {
    this.#mustBeOpen()
    return this.#engine.executor.execute(query)
  }

  executeAll(queries: readonly PreparedQuery[]): Promise<readonly QueryResult<unknown>[]> {
    this.#mustBeOpen()
    return this.#engine.executeAll(queries)
  }

  async savepoint<T>(work: (tx: WriteTx) => Promise<T>): Promise<T> {
    this.#mustBeOpen()
    const name = `iron_${String(this.#depth + 1)}`
    // What a savepoint locked is let go with it, so it only learns from outside.
    const inner = new OpenTransaction(this.#engine, this.#depth + 1, this.#held)
    this.#state = 'nested'
    try {
      await this.#engine.command(`SAVEPOINT ${name}`)
      let result: T
      try {
        result = await work(inner)
      } catch (error) {
        inner.#state = 'closed'
        await this.#engine.command(`ROLLBACK TO SAVEPOINT ${name}`)
        await this.#engine.command(`RELEASE SAVEPOINT ${name}`)
        throw error
      }
      inner.#state = 'closed'
      await this.#engine.command(`RELEASE SAVEPOINT ${name}`)
      this.#state = 'open'
      this.#adopt(inner)
      return result
    } finally {
      this.#state = 'open'
    }
  }

  async lock(
    name: string,
    options: { readonly shared?: boolean | undefined; readonly taken?: boolean | undefined } = {},
  ): Promise<void> {
    this.#mustBeOpen()
    const { shared = false, taken = false } = options
    if (this.holds(name, { shared })) return
    // Whatever is asked for from now on runs when it is held.
    this.#held.set(name, shared)
    if (!taken) await this.#engine.lock(name, shared)
  }

  holds(name: string, { shared = false }: { readonly shared?: boolean | undefined } = {}): boolean {
    const held = this.#held.get(name)
    return held === false || held === shared
  }

  async inTurn<T>(name: string, work: (isFirst: boolean) => Promise<T>): Promise<T> {
    this.#mustBeOpen()
    const turns = this.#turns
    if (turns === undefined) return work(true)
    const before = turns.get(name)
    const turn = before === undefined ? work(true) : before.then(() => work(false))
    // After a failed one the transaction is undone, whatever the others do.
    turns.set(
      name,
      turn.catch(() => undefined),
    )
    return turn
  }

  defer<T>(queue: DeferredQueue<T>, item: T): void {
    this.#mustBeOpen()
    this.#deferred ??= new Map()
    const key = queue as unknown as DeferredQueue<never>
    const items = this.#deferred.get(key)
    if (items === undefined) this.#deferred.set(key, [item])
    else items.push(item)
  }

  afterCommit(run: () => void): void {
    this.#mustBeOpen()
    ;(this.#afterCommit ??= []).push(run)
  }

  notify(channel: string, payload: string): void {
    this.#mustBeOpen()
    ;(this.#notifications ??= new Map()).set(`${channel}\n${payload}`, payload)
  }

  /** Writes what was deferred, as the last statements before the commit. */
  async flush(): Promise<void> {
    const deferred = this.#deferred
    if (deferred === undefined) return
    this.#deferred = undefined
    const queues = [...deferred].sort(([a], [b]) => a.order - b.order)
    // Each begins with the locks that it needs, and these are asked for in this order.
    await allDone(queues.map(([queue, items]) => queue.flush(this, items as never[])))
  }

  /** The wake-ups asked for, each once. */
  notifications(): { channel: string; payload: string }[] {
    if (this.#notifications === undefined) return []
    return [...this.#notifications].map(([key, payload]) => ({
      channel: key.slice(0, key.length - payload.length - 1),
      payload,
    }))
  }

  /**
   * Runs one of several jobs that share this transaction. What it deferred joins the rest when it succeeds; when it fails the whole
   * transaction must be undone.
   *
   * @param order `abreast`: beside other jobs, so that it has no savepoints
   */
  async share<T>(order: 'abreast' | 'in turn', work: (tx: OpenTransaction) => Promise<T>): Promise<T> {
    this.#mustBeOpen()
    const part =
      order === 'abreast'
        ? new OpenTransaction(withoutSavepoints(this.#engine), this.#depth, this.#held, (this.#partTurns ??= new Map()))
        : new OpenTransaction(this.#engine, this.#depth, this.#held)
    try {
      const value = await work(part)
      this.#adopt(part)
      return value
    } finally {
      part.#state = 'closed'
    }
  }

  /** Ends the transaction: from here on every use of it throws. */
  close(): void {
    this.#state = 'closed'
  }

  /** Runs what waited for the commit; a failure there cannot undo it any more, so it is only reported. */
  committed(report: (error: unknown) => void): void {
    for (const run of this.#afterCommit ?? []) {
      try {
        run()
      } catch (error) {
        report(error)
      }
    }
  }

  #adopt(inner: OpenTransaction): void {
    for (const [queue, items] of inner.#deferred ?? []) for (const item of items) this.defer(queue, item as never)
    for (const run of inner.#afterCommit ?? []) (this.#afterCommit ??= []).push(run)
    for (const [key, payload] of inner.#notifications ?? []) (this.#notifications ??= new Map()).set(key, payload)
  }

  #mustBeOpen(): void {
    if (this.#state === 'open') return
    if (this.#state === 'nested') {
      throw new DatabaseError('TRANSACTION_CLOSED', 'a savepoint of this transaction is open: use the tx it was given')
    }
    throw new DatabaseError('TRANSACTION_CLOSED', 'this transaction has ended')
  }
}
