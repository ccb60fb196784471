import type { QueryResult } from 'kysely'
import type { Executor } from '../kysely-executor.ts'
import { runSet, type SetForm, type SetRow } from '../set-form.ts'
import type { PreparedQuery } from '../transaction.ts'
import { isBadValue } from './failure.ts'

type Rows = QueryResult<Record<string, unknown>>

interface Asked {
  readonly query: PreparedQuery
  readonly row: SetRow
  readonly resolve: (result: Rows) => void
  readonly reject: (error: unknown) => void
}

/**
 * Lets statements that work side by side asks for in one loop turn travel together: those of one form as one statement over all their
 * parameters. Whoever asks notices nothing but the time. The parameters of a turn must not depend on what its other statements do.
 */
export class StatementSets implements Executor {
  readonly #executor: Executor
  readonly #isTransaction: boolean
  #asked = new Map<SetForm, Asked[]>()

  /**
   * @param isTransaction whether a statement that fails ends whatever is done beside it; otherwise a set that fails because of a value
   * is asked for once more, each on its own, so that only whoever gave the value is told
   */
  constructor(executor: Executor, { isTransaction }: { readonly isTransaction: boolean }) {
    this.#executor = executor
    this.#isTransaction = isTransaction
  }

  execute<R>(query: PreparedQuery): Promise<QueryResult<R>> {
    const { together: row } = query
    if (row === undefined) return this.#executor.execute<R>(query)
    return new Promise<Rows>((resolve, reject) => {
      if (this.#asked.size === 0) this.#after(() => this.#send())
      const asked = this.#asked.get(row.form)
      if (asked === undefined) this.#asked.set(row.form, [{ query, row, resolve, reject }])
      else asked.push({ query, row, resolve, reject })
    }) as Promise<QueryResult<R>>
  }

  #send(): void {
    const turn = this.#asked
    this.#asked = new Map()
    for (const [form, asked] of turn) this.#run(form, asked).catch((error: unknown) => rejectAll(asked, error))
  }

  /**
   * In a transaction, once every promise that is settled now has been heard: whoever goes on asks before. Others at the end of the turn of
   * the event loop: every request is read in a callback of its own, after which all that waits is run (measured with 50 connections: a
   * fifth more reports than with a statement for each).
   */
  #after(work: () => void): void {
    if (this.#isTransaction) process.nextTick(work)
    else setImmediate(work)
  }

  async #run(form: SetForm, asked: readonly Asked[]): Promise<void> {
    const [first] = asked
    if (asked.length === 1 && first !== undefined) {
      first.resolve(await this.#executor.execute(first.query))
      return
    }
    const results = await this.#together(form, asked)
    if (results === undefined) {
      const alone = ({ query, resolve, reject }: Asked): Promise<void> =>
        this.#executor.execute<Record<string, unknown>>(query).then(resolve, reject)
      await Promise.all(asked.map(alone))
      return
    }
    asked.forEach(({ resolve }, index) => {
      const rows = results[index] ?? []
      resolve({ rows, numAffectedRows: BigInt(rows.length) })
    })
  }

  /** @returns undefined when a value in the set is at fault */
  async #together(form: SetForm, asked: readonly Asked[]): Promise<Record<string, unknown>[][] | undefined> {
    try {
      const set = asked.map(({ row }) => row.parameters)
      return await runSet(this.#executor, form, set)
    } catch (error) {
      if (this.#isTransaction || !isBadValue(error)) throw error
      return undefined
    }
  }
}

function rejectAll(asked: readonly Asked[], error: unknown): void {
  for (const { reject } of asked) reject(error)
}
