import type { DialectName, PreparedQuery, ReadTx } from '@iron/database'

/** A statement written in SQL that both engines understand, with `:name` for parameters. */
export interface NamedStatement<P, R> {
  all(tx: ReadTx, parameters: P): Promise<readonly R[]>
  first(tx: ReadTx, parameters: P): Promise<R | undefined>
  run(tx: ReadTx, parameters: P): Promise<number>
}

/** For statements that the query builder cannot spell: SQL text, compiled once and kept prepared under `name`. */
export function namedSql<P extends object, R = never>(
  name: string,
  text: (dialect: DialectName) => string,
): NamedStatement<P, R> {
  const compiled: Partial<Record<DialectName, { readonly sql: string; readonly names: readonly string[] }>> = {}
  const query = (dialect: DialectName, parameters: P): PreparedQuery => {
    const { sql, names } = (compiled[dialect] ??= compile(text(dialect), dialect))
    return {
      sql,
      parameters: names.map((key) => (parameters as Record<string, unknown>)[key]),
      name: `journal_${name}`,
    }
  }
  return {
    all: async (tx, parameters) => (await tx.execute<R>(query(tx.dialect, parameters))).rows,
    first: async (tx, parameters) => (await tx.execute<R>(query(tx.dialect, parameters))).rows[0],
    run: async (tx, parameters) => Number((await tx.execute<R>(query(tx.dialect, parameters))).numAffectedRows ?? 0n),
  }
}

function compile(text: string, dialect: DialectName): { sql: string; names: string[] } {
  const names: string[] = []
  const sql = text.replace(/(?<!:):([a-z]\w*)/gi, (_, name: string) => {
    names.push(name)
    return dialect === 'postgres' ? `$${names.length}` : '?'
  })
  return { sql, names }
}
