import type { Kysely, QueryResult } from 'kysely'
import type { Client, QueryConfig, QueryResult as DriverResult } from 'pg'
import { DatabaseError } from '../errors.ts'
import { type Executor, kyselyOn } from '../kysely-executor.ts'
import type { IronSchema } from '../schema.ts'
import type { PreparedQuery } from '../transaction.ts'
import { noAnswer, postgresFailure, unavailable } from './failure.ts'
import type { PostgresLimits } from './limits.ts'
import { StatementSets } from './statement-sets.ts'

/** The session's statement timeout in milliseconds, 0 for none. */
const STATEMENT_TIMEOUT = `SELECT (extract(epoch FROM current_setting('statement_timeout')::interval) * 1000)::bigint AS ms`

/**
 * A statement that leaves nothing behind, in a transaction or not: locks that it takes are let go with it. One that calls a function that
 * writes would; no statement of this house does.
 */
const READS = /^\s*select\b/i

/** Told once when a connection is lost, and why. */
type Lost = (error: Error) => void

/**
 * One connection: runs its statements one after the other, each with a deadline, and knows when it is lost. A statement that is not
 * answered in time destroys the connection, because nobody can know what it still does there.
 */
export class PostgresConnection implements Executor {
  readonly kysely: Kysely<IronSchema>
  readonly #client: Client
  readonly #limits: PostgresLimits
  readonly #lost = new Set<Lost>()
  readonly #ended: Promise<void>
  #isConnected = false
  #failure: Error | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #raisedTimeoutMs: number | undefined
  #isPipelined = false
  #joins = false
  /** Until BEGIN is answered. */
  #opening: Promise<void> | undefined
  /** Whether a statement waits for that, so that all after it do. */
  #isHeldBack = false
  readonly #sets = new StatementSets({ execute: (query) => this.#execute(query) }, { isTransaction: true })

  constructor(client: Client, limits: PostgresLimits) {
    this.#client = client
    this.#limits = limits
    this.kysely = kyselyOn('postgres', this)
    this.#ended = new Promise((resolve) => client.once('end', resolve))
    client.once('connect', () => (this.#isConnected = true))
    client.on('error', (error: unknown) => this.#fail(error))
    client.on('end', () => this.#fail(undefined))
  }

  get client(): Client {
    return this.#client
  }

  /** Whether the login is done. */
  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Why it can no longer be used, once that is so. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Resolves when the socket is closed. */
  get ended(): Promise<void> {
    return this.#ended
  }

  execute<R>(query: PreparedQuery): Promise<QueryResult<R>> {
    return this.#joins ? this.#sets.execute<R>(query) : this.#execute<R>(query)
  }

  async #execute<R>(query: PreparedQuery): Promise<QueryResult<R>> {
    return resultOf(await this.#run<R>(configOf(query)))
  }

  /** As `executeAll` of a transaction: they are sent at once, and none joins a set, for two may change one row. */
  async executeAll(queries: readonly PreparedQuery[]): Promise<readonly QueryResult<unknown>[]> {
    const send = async (): Promise<PromiseSettledResult<DriverResult<object>>[]> =>
      Promise.allSettled(queries.map((query) => this.#answer(configOf(query))))
    const sent = this.#isPipelined ? send() : this.#turn.then(send)
    if (!this.#isPipelined) this.#turn = sent
    // Every answer is awaited, also after a failure: nothing may be on its way any more when the transaction is undone.
    return (await sent).map((answer) => {
      if (answer.status === 'rejected') throw answer.reason
      return resultOf(answer.value)
    })
  }

  /**
   * Opens a transaction. What only reads may leave behind it at once; anything else waits for the answer, and so does all that is asked for
   * after it: should BEGIN fail, a statement that is on its way behind it would be committed by itself.
   */
  begin(): Promise<void> {
    const begun = this.#answer({ text: 'BEGIN' }).then(() => undefined)
    this.#opening = begun
    // First to hear of it, so that nothing overtakes those who wait for it.
    this.#turn = begun.then(
      () => this.#noLongerOpening(),
      () => undefined,
    )
    return begun
  }

  #noLongerOpening(): void {
    this.#opening = undefined
    this.#isHeldBack = false
  }

  /** Runs a statement without result. @param withinMs instead of the time that the server gives a statement */
  async command(sql: string, withinMs?: number): Promise<void> {
    await this.#run({ text: sql }, withinMs)
  }

  /**
   * @throws {DatabaseError} TRANSACTION_CLOSED when a statement had failed and its error was swallowed: PostgreSQL then answers COMMIT
   * with a rollback instead of an error
   */
  async commit(withinMs: number): Promise<void> {
    const { command } = await this.#run({ text: 'COMMIT' }, withinMs)
    if (command !== 'COMMIT') {
      throw new DatabaseError('TRANSACTION_CLOSED', 'a statement had failed: the transaction was rolled back')
    }
  }

  /**
   * Ends the transaction without a trace, if need be by ending the connection.
   *
   * @returns whether the server said so; otherwise it does so as soon as it notices that the connection is gone
   */
  async rollback(): Promise<boolean> {
    this.#noLongerOpening()
    try {
      await this.command('ROLLBACK', this.#limits.rollbackMs)
      return true
    } catch {
      this.destroy(unavailable())
      return false
    }
  }

  /** Calls back when it is lost, at once when it is. @returns what stops that */
  onLost(lost: Lost): () => void {
    if (this.#failure !== undefined) lost(this.#failure)
    else this.#lost.add(lost)
    return () => void this.#lost.delete(lost)
  }

  /** Closes the socket at once. What runs or waits on it ends with `error`. */
  destroy(error: Error): void {
    this.#fail(error)
    this.#client.connection.stream.destroy()
  }

  /** Takes leave of it in peace: that it ends is no news. */
  retire(): void {
    this.#lost.clear()
    this.#failure ??= unavailable()
  }

  /** Before it is lent again: what a transaction had set for itself has ended with it. */
  settle(): void {
    this.#raisedTimeoutMs = undefined
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    const failure = error === undefined ? unavailable() : postgresFailure(error)
    this.#failure = failure instanceof DatabaseError ? failure : unavailable(failure)
    for (const lost of this.#lost) lost(this.#failure)
    this.#lost.clear()
  }

  /**
   * Lets statements that are asked for at once leave without waiting for the answers of earlier ones; the server still runs them in the
   * order in which they are sent.
   *
   * @param options `joins`: those that have a set form and are asked for in one loop turn run as one, so that none of them may need what
   * another does
   */
  async pipelined<T>(work: () => Promise<T>, { joins = false }: { readonly joins?: boolean } = {}): Promise<T> {
    const [isPipelined, joined] = [this.#isPipelined, this.#joins]
    this.#isPipelined = true
    this.#joins = joins
    try {
      return await work()
    } finally {
      this.#isPipelined = isPipelined
      this.#joins = joined
    }
  }

  /** Outside of {@link pipelined} each waits for the one before: after a failed one nothing more is sent unasked. */
  #run<R = unknown>(query: QueryConfig, withinMs?: number): Promise<DriverResult<R & object>> {
    if (this.#isPipelined) return this.#answer<R>(query, withinMs)
    const answer = this.#turn.then(() => this.#answer<R>(query, withinMs))
    this.#turn = answer.catch(() => undefined)
    return answer
  }

  async #answer<R>(query: QueryConfig, withinMs?: number): Promise<DriverResult<R & object>> {
    if (this.#opening !== undefined && (this.#isHeldBack || !READS.test(query.text))) {
      this.#isHeldBack = true
      await this.#opening
    }
    const result = await this.#send<R>(query, withinMs ?? this.#answerMs())
    if (query.text.includes('statement_timeout')) await this.#learnTimeout()
    return result
  }

  async #send<R>(query: QueryConfig, withinMs: number | undefined): Promise<DriverResult<R & object>> {
    if (this.#failure !== undefined) throw this.#failure
    const deadline = withinMs === undefined ? undefined : setTimeout(() => this.destroy(noAnswer()), withinMs)
    try {
      return await this.#client.query<R & object>(query)
    } catch (error) {
      throw this.failure ?? postgresFailure(error)
    } finally {
      clearTimeout(deadline)
    }
  }

  /** Undefined when the session has no statement timeout: then the server, too, lets a statement run for as long as it takes. */
  #answerMs(): number | undefined {
    if (this.#raisedTimeoutMs === 0) return undefined
    const { statementMs, answerMarginMs } = this.#limits
    return Math.max(statementMs, this.#raisedTimeoutMs ?? 0) + answerMarginMs
  }

  /** Work that gives itself more time, such as a long query or a migration, must not be cut off by the client before the server does. */
  async #learnTimeout(): Promise<void> {
    const { rows } = await this.#send<{ ms: number }>({ text: STATEMENT_TIMEOUT }, this.#answerMs())
    this.#raisedTimeoutMs = rows[0]?.ms
  }
}

function configOf({ name, sql, parameters }: PreparedQuery): QueryConfig {
  return { name, text: sql, values: parameters as unknown[] }
}

function resultOf<R>({ rows, rowCount }: DriverResult<R & object>): QueryResult<R> {
  return { rows, numAffectedRows: BigInt(rowCount ?? 0) }
}
