import {
  type DialectName,
  HIDDEN,
  type PreparedQuery,
  type ReadTx,
  runSet,
  setColumn,
  type SetForm,
  setRows,
  setSql,
  type SetType,
} from '@iron/database'

/** A statement written in SQL that both engines understand, with `:name` for parameters. */
export interface NamedStatement<P, R> {
  all(tx: ReadTx, parameters: P): Promise<readonly R[]>
  first(tx: ReadTx, parameters: P): Promise<R | undefined>
  run(tx: ReadTx, parameters: P): Promise<number>
  /**
   * The rows for each of many parameters: one statement on PostgreSQL if it has a set form, where a round trip is what costs; one after
   * the other otherwise.
   */
  each(tx: ReadTx, list: readonly P[]): Promise<readonly (readonly R[])[]>
}

/** As `together` of a prepared statement: the parameters' types, and of an insert how it reads its rows from the set. */
interface Together<P> {
  readonly types: Readonly<Record<keyof P & string, SetType>>
  /** The text over the set; its rows must have a column `tag` with the value of the parameter `key`. */
  readonly insert?: { readonly key: keyof P & string; readonly text: (rows: string) => string } | undefined
}

/** For statements that the query builder cannot spell: SQL text, compiled once and kept prepared under `name`. */
export function namedSql<P extends object, R = never>(
  name: string,
  text: (dialect: DialectName) => string,
  together?: Together<P>,
): NamedStatement<P, R> {
  const compiled: Partial<Record<DialectName, { readonly sql: string; readonly names: readonly string[] }>> = {}
  const form = together === undefined ? undefined : formOf(name, text('postgres'), together)
  const query = (dialect: DialectName, parameters: P): PreparedQuery => {
    const { sql, names } = (compiled[dialect] ??= compile(text(dialect), dialect))
    const values = parameters as Readonly<Record<string, unknown>>
    const bound = { sql, parameters: names.map((key) => values[key]), name: `journal_${name}` }
    return form === undefined || dialect === 'sqlite' ? bound : { ...bound, together: { form, parameters: values } }
  }
  const each = async (tx: ReadTx, list: readonly P[]): Promise<readonly (readonly R[])[]> => {
    if (form !== undefined && tx.dialect === 'postgres' && list.length > 1) {
      return (await runSet(tx, form, list as readonly Readonly<Record<string, unknown>>[])) as R[][]
    }
    const results: (readonly R[])[] = []
    for (const parameters of list) results.push((await tx.execute<R>(query(tx.dialect, parameters))).rows)
    return results
  }
  return {
    each,
    all: async (tx, parameters) => (await tx.execute<R>(query(tx.dialect, parameters))).rows,
    first: async (tx, parameters) => (await tx.execute<R>(query(tx.dialect, parameters))).rows[0],
    run: async (tx, parameters) => Number((await tx.execute<R>(query(tx.dialect, parameters))).numAffectedRows ?? 0n),
  }
}

const PARAMETER = /(?<!:):([a-z]\w*)/gi

function formOf<P>(name: string, text: string, { types, insert }: Together<P>): SetForm {
  const overSet = (sql: string): string => sql.replace(PARAMETER, (_, key: string) => setColumn(key))
  const sql = insert === undefined ? setSql(overSet(text), types, undefined) : overSet(insert.text(setRows(types)))
  return { sql, name: `journal_${name}_set`, columns: Object.keys(types), key: insert?.key }
}

function compile(text: string, dialect: DialectName): { sql: string; names: string[] } {
  const names: string[] = []
  const sql = text.replace(PARAMETER, (_, name: string) => {
    names.push(name)
    return dialect === 'postgres' ? `$${names.length}` : `${HIDDEN}?`
  })
  return { sql, names }
}
