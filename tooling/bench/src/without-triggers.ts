import type { IronDatabase } from '@iron/database'

/** How long one statement may take, in milliseconds. */
const FILL_TIMEOUT_MS = 300_000

/** Runs work in a database without triggers, which keep the books in the order of what happens. */
export async function withoutTriggers(
  db: IronDatabase,
  work: (run: (...statements: string[]) => Promise<void>) => Promise<void>,
): Promise<void> {
  const run = (...statements: string[]): Promise<void> =>
    db.write(
      async (tx) => {
        for (const sql of statements) await tx.execute({ sql, parameters: [] })
      },
      { timeoutMs: FILL_TIMEOUT_MS },
    )
  if (db.dialect === 'postgres') {
    await work((...statements) => run('SET LOCAL session_replication_role = replica', ...statements))
    return
  }
  const query = { sql: "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'", parameters: [] }
  const { rows } = await db.read((tx) => tx.execute<{ name: string; sql: string }>(query))
  await run(...rows.map(({ name }) => `DROP TRIGGER ${name}`))
  await work(run)
  await run(...rows.map(({ sql }) => sql))
}
