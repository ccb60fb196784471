/** What a read asks of the engine, and how the engine answers it: for tests and benches of query plans. */
import type { KyselyPlugin } from 'kysely'
import type { IronDatabase } from './iron-database.ts'
import type { PreparedQuery, ReadTx } from './transaction.ts'

/** The statements that `work` ran on a snapshot of `db`, in order, as they reached the engine. */
export async function recordStatements(
  db: IronDatabase,
  work: (tx: ReadTx) => Promise<unknown>,
): Promise<readonly PreparedQuery[]> {
  const seen: PreparedQuery[] = []
  await db.read(async (snapshot) => {
    const compiler = snapshot.sql.getExecutor()
    const compiled = new WeakMap<object, PreparedQuery>()
    const recorder: KyselyPlugin = {
      // Parts of a query come by here as well; only what is run has a result.
      transformQuery: ({ node, queryId }) => {
        const { sql, parameters } = compiler.compileQuery(node, queryId)
        compiled.set(queryId, { sql, parameters })
        return node
      },
      transformResult: async ({ queryId, result }) => {
        const query = compiled.get(queryId)
        if (query !== undefined) seen.push(query)
        return result
      },
    }
    await work({
      dialect: snapshot.dialect,
      sql: snapshot.sql.withPlugin(recorder),
      execute: (query) => {
        seen.push(query)
        return snapshot.execute(query)
      },
    })
  })
  return seen
}

/** How a plan is asked for. */
export interface ExplainOptions {
  /**
   * PostgreSQL rates every way through an empty table alike: with this it avoids reading whole tables and sorting where an
   * index can serve, so that the plan shows whether one can. SQLite plans by the schema alone.
   */
  readonly emptyTables?: boolean | undefined
}

/** The engine's plan of a statement, line by line. */
export async function explain(
  db: IronDatabase,
  { sql, parameters }: PreparedQuery,
  options: ExplainOptions = {},
): Promise<readonly string[]> {
  const prefix = db.dialect === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN (COSTS OFF)'
  const query = { sql: `${prefix} ${sql}`, parameters }
  return db.write(async (tx) => {
    if (db.dialect === 'postgres' && options.emptyTables === true) {
      for (const way of ['seqscan', 'sort', 'hashjoin', 'mergejoin']) {
        await tx.execute({ sql: `SET LOCAL enable_${way} = off`, parameters: [] })
      }
    }
    const { rows } = await tx.execute<{ detail?: string; 'QUERY PLAN'?: string }>(query)
    return rows.map((row) => row.detail ?? row['QUERY PLAN'] ?? '')
  })
}

/** A statement and its plan. */
export interface PlannedStatement {
  readonly sql: string
  readonly plan: string
}

/** The statements that `work` runs, each with its plan on empty tables. */
export async function plansOf(
  db: IronDatabase,
  work: (tx: ReadTx) => Promise<unknown>,
): Promise<readonly PlannedStatement[]> {
  const plans: PlannedStatement[] = []
  for (const statement of await recordStatements(db, work)) {
    plans.push({ sql: statement.sql, plan: (await explain(db, statement, { emptyTables: true })).join('\n') })
  }
  return plans
}
