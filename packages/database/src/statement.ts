import { createHash } from 'node:crypto'
import { type Compilable, type CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely'
import { InlineConstants, Placeholder } from './inline-constants.ts'
import { queryBuilders } from './kysely-executor.ts'
import type { IronSchema } from './schema.ts'
import { runSet, setColumn, type SetForm, setSql, type SetType } from './set-form.ts'
import type { DialectName, PreparedQuery, ReadTx } from './transaction.ts'

/** A statement that is compiled once per engine and prepared once per connection. */
export interface Statement<P, R> {
  /** Every row. */
  all(tx: ReadTx, parameters: P): Promise<R[]>
  /** The first row, or `undefined`. */
  first(tx: ReadTx, parameters: P): Promise<R | undefined>
  /** How many rows were inserted, updated or deleted. */
  run(tx: ReadTx, parameters: P): Promise<number>
  /**
   * The rows for each of many parameters: one statement on PostgreSQL if it may travel `together`, where a round trip is what costs; one
   * after the other otherwise.
   */
  each(tx: ReadTx, list: readonly P[]): Promise<R[][]>
  /** The statement with its parameters, for `executeAll` of a transaction. */
  bind(dialect: DialectName, parameters: P): PreparedQuery
}

/** Stands for a named parameter while a statement is being built. */
export type Parameter<P> = <K extends keyof P & string>(name: K) => RawBuilder<P[K]>

/**
 * Stands before every parameter on SQLite. Its planner looks at what is bound to a bare one that a column is compared with, and then
 * prepares the statement anew whenever something else is bound, unless it finds one row by a unique key (measured: 100 µs instead of 0.5 for
 * the limits of an owner, 47 instead of 1 for a provider). What it learns there, a statement of this house tells it by a constant.
 */
export const HIDDEN = '+'

/** Options of {@link prepare}. */
export interface PrepareOptions<P> {
  /**
   * On PostgreSQL, jobs of a group that ask for this statement at the same time share one over all their parameters, whose types it
   * needs. The statement then must name every parameter and may not depend on what it does itself for other parameters.
   */
  readonly together?: Readonly<Record<keyof P & string, SetType>> | undefined
  /** Of an insert: the column, set by the parameter of its name, whose values tell any of its rows apart. */
  readonly key?: (keyof P & string) | undefined
}

const inlineConstants = new InlineConstants()

interface Compiled {
  readonly query: CompiledQuery
  /** For each bind position: a {@link Placeholder}, or the constant that stands there. */
  readonly binds: readonly unknown[]
  readonly name: string
  readonly set: SetForm | undefined
}

/**
 * Compiles a query on first use and then only binds it: Kysely's building, compiling and result plumbing cost more than
 * SQLite's own work on a row (measured about four times).
 *
 * ```ts
 * const byId = prepare<{ id: string }, { name: string }>((db, p) => db.selectFrom('users').select('name').where('id', '=', p('id')))
 * const user = await byId.first(tx, { id })
 * ```
 */
export function prepare<P extends object, R = never>(
  build: (db: Kysely<IronSchema>, parameter: Parameter<P>, dialect: DialectName) => Compilable,
  options: PrepareOptions<P> = {},
): Statement<P, R> {
  const compiled: Partial<Record<DialectName, Compiled>> = {}
  const bound: Parameter<P> = (name) => sql.val(new Placeholder(name)) as unknown as RawBuilder<P[typeof name]>
  const hidden: Parameter<P> = (name) => sql`${sql.raw(HIDDEN)}${bound(name)}`
  const column: Parameter<P> = (name) => sql.raw(setColumn(name)) as unknown as RawBuilder<P[typeof name]>
  const built = (dialect: DialectName, p: Parameter<P>): CompiledQuery =>
    build(queryBuilders[dialect].withPlugin(inlineConstants), p, dialect).compile()
  const formOf = (): SetForm | undefined => {
    const { together, key } = options
    if (together === undefined) return undefined
    const text = setSql(built('postgres', column).sql, together, key)
    return { sql: text, name: nameOf(text), columns: Object.keys(together), key }
  }
  const compile = (dialect: DialectName): Compiled => {
    const query = built(dialect, dialect === 'sqlite' ? hidden : bound)
    const set = dialect === 'postgres' ? formOf() : undefined
    return (compiled[dialect] = { query, binds: query.parameters, name: nameOf(query.sql), set })
  }
  const bind = (dialect: DialectName, parameters: P): PreparedQuery => {
    const { query, binds, name, set } = compiled[dialect] ?? compile(dialect)
    const values = new Array<unknown>(binds.length)
    for (let index = 0; index < binds.length; index += 1) {
      const slot = binds[index]
      values[index] = slot instanceof Placeholder ? (parameters as Record<string, unknown>)[slot.name] : slot
    }
    if (set === undefined) return { sql: query.sql, parameters: values, name }
    return {
      sql: query.sql,
      parameters: values,
      name,
      together: { form: set, parameters: parameters as Readonly<Record<string, unknown>> },
    }
  }
  const each = async (tx: ReadTx, list: readonly P[]): Promise<R[][]> => {
    const { set } = compiled[tx.dialect] ?? compile(tx.dialect)
    if (set !== undefined && list.length > 1) {
      return (await runSet(tx, set, list as readonly Readonly<Record<string, unknown>>[])) as R[][]
    }
    const results: R[][] = []
    for (const parameters of list) results.push((await tx.execute<R>(bind(tx.dialect, parameters))).rows)
    return results
  }
  return {
    each,
    bind,
    all: async (tx, parameters) => (await tx.execute<R>(bind(tx.dialect, parameters))).rows,
    first: async (tx, parameters) => (await tx.execute<R>(bind(tx.dialect, parameters))).rows[0],
    run: async (tx, parameters) => Number((await tx.execute<R>(bind(tx.dialect, parameters))).numAffectedRows ?? 0n),
  }
}

/** Under which PostgreSQL keeps a text prepared. */
function nameOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
