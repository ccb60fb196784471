/** All invariants of an installation, recomputed from its rows by `iron verify`. */
import type { Cluster } from './cluster.ts'
import { rowsOf } from './installation.ts'
import { hold } from './scenario.ts'
import { runIron } from './server.ts'

/** @throws {Violation} with what `iron verify` prints when something differs */
export async function requireSound({ program, env }: Pick<Cluster, 'program' | 'env'>): Promise<void> {
  const { code, output } = await runIron(program, ['verify'], env)
  hold(code === 0, `iron verify: ${output}`)
}

/** How many deadlocks PostgreSQL has broken in this database: each was run again inside a process. */
export async function deadlocks(databaseUrl: string): Promise<number> {
  const sql = 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'
  const [row] = await rowsOf<{ deadlocks: string }>(databaseUrl, sql)
  return Number(row?.deadlocks)
}
