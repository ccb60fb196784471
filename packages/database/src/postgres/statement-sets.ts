import type { QueryResult } from 'kysely'
import type { Executor } from '../kysely-executor.ts'
import { runSet, type SetForm, type SetRow } from '../set-form.ts'
import type { PreparedQuery } from '../transaction.ts'

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
  #asked = new Map<SetForm, Asked[]>()

  constructor(executor: Executor) {
    this.#executor = executor
  }

  execute<R>(query: PreparedQuery): Promise<QueryResult<R>> {
    const { together: row } = query
    if (row === undefined) return this.#executor.execute<R>(query)
    return new Promise<Rows>((resolve, reject) => {
      // After every promise that is settled now has been heard: whoever goes on asks before.
      if (this.#asked.size === 0) process.nextTick(() => this.#send())
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

  async #run(form: SetForm, asked: readonly Asked[]): Promise<void> {
    const [first] = asked
    if (asked.length === 1 && first !== undefined) {
      first.resolve(await this.#executor.execute(first.query))
      return
    }
    const set = asked.map(({ row }) => row.parameters)
    const results = await runSet(this.#executor, form, set)
    asked.forEach(({ resolve }, index) => {
      const rows = results[index] ?? []
      resolve({ rows, numAffectedRows: BigInt(rows.length) })
    })
  }
}

function rejectAll(asked: readonly Asked[], error: unknown): void {
  for (const { reject } of asked) reject(error)
}
