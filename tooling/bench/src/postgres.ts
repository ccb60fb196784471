import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** An empty database of the bench's own. */
export async function createDatabase(
  admin: string,
): Promise<{ readonly url: string; readonly drop: () => Promise<void> }> {
  const name = `iron_bench_${randomBytes(6).toString('hex')}`
  const run = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: admin })
    await client.connect()
    await client.query(sql)
    await client.end()
  }
  await run(`CREATE DATABASE ${name}`)
  const url = new URL(admin)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}
