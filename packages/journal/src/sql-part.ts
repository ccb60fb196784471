import type { ReadTx } from '@iron/database'

/** A piece of SQL that both engines understand, with `?` for each value. */
export interface SqlPart {
  readonly sql: string
  readonly values: readonly (string | number)[]
}

/** The condition that all of the given ones hold. */
export function allOf(conditions: readonly SqlPart[]): SqlPart {
  return {
    sql: conditions.map((condition) => condition.sql).join(' AND '),
    values: conditions.flatMap((condition) => condition.values),
  }
}

/**
 * The condition that rows of calls are on one side of a place. What it says of the time alone is all that PostgreSQL estimates well: of
 * pairs it takes any place for the same.
 */
export function besides(side: '<' | '>', [receivedAt = 0, id = '']: readonly (string | number)[]): SqlPart {
  const sql = `received_at ${side}= ? AND (received_at, id) ${side} (?, ?)`
  return { sql, values: [receivedAt, receivedAt, id] }
}

/** Runs a query whose text depends on what is asked, so that it is not kept prepared on PostgreSQL. */
export async function queryPart<R>(tx: ReadTx, { sql, values }: SqlPart): Promise<readonly R[]> {
  let position = 0
  const text = tx.dialect === 'postgres' ? sql.replace(/\?/g, () => `$${(position += 1)}`) : sql
  return (await tx.execute<R>({ sql: text, parameters: values })).rows
}
