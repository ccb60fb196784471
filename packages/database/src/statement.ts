import { createHash } from 'node:crypto'
import { type Compilable, type CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely'
import { InlineConstants, Placeholder } from './inline-constants.ts'
import { queryBuilders } from './kysely-executor.ts'
import type { IronSchema } from './schema.ts'
import type { DialectName, PreparedQuery, ReadTx } from './transaction.ts'

/** A statement that is compiled once per engine and prepared once per connection. */
export interface Statement<P, R> {
  /** Every row. */
  all(tx: ReadTx, parameters: P): Promise<R[]>
  /** The first row, or `undefined`. */
  first(tx: ReadTx, parameters: P): Promise<R | undefined>
  /** How many rows were inserted, updated or deleted. */
  run(tx: ReadTx, parameters: P): Promise<number>
}

/** Stands for a named parameter while a statement is being built. */
export type Parameter<P> = <K extends keyof P & string>(name: K) => RawBuilder<P[K]>

const inlineConstants = new InlineConstants()

interface Compiled {
  readonly query: CompiledQuery
  /** For each bind position: a {@link Placeholder}, or the constant that stands there. */
  readonly binds: readonly unknown[]
  readonly name: string
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
): Statement<P, R> {
  const compiled: Partial<Record<DialectName, Compiled>> = {}
  const parameter: Parameter<P> = (name) => sql.val(new Placeholder(name)) as unknown as RawBuilder<P[typeof name]>
  const compile = (dialect: DialectName): Compiled => {
    const query = build(queryBuilders[dialect].withPlugin(inlineConstants), parameter, dialect).compile()
    const name = createHash('sha256').update(query.sql).digest('hex').slice(0, 32)
    return (compiled[dialect] = { query, binds: query.parameters, name })
  }
  const bind = (dialect: DialectName, parameters: P): PreparedQuery => {
    const { query, binds, name } = compiled[dialect] ?? compile(dialect)
    const values = new Array<unknown>(binds.length)
    for (let index = 0; index < binds.length; index += 1) {
      const slot = binds[index]
      values[index] = slot instanceof Placeholder ? (parameters as Record<string, unknown>)[slot.name] : slot
    }
    return { sql: query.sql, parameters: values, name }
  }
  return {
    all: async (tx, parameters) => (await tx.execute<R>(bind(tx.dialect, parameters))).rows,
    first: async (tx, parameters) => (await tx.execute<R>(bind(tx.dialect, parameters))).rows[0],
    run: async (tx, parameters) => Number((await tx.execute<R>(bind(tx.dialect, parameters))).numAffectedRows ?? 0n),
  }
}
