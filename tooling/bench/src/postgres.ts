import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** An empty database of the bench's own. */
export async function createDatabase(
  admin: string,
): Promise<{ readonly url: string; readonly drop: () => Promise<void> }> {
  const name = `iron_bench_${randomBytes(6).toString('hex')}`
  const url = await databaseNamed(admin, name)
  return {
    url,
    drop: () =>
      withClient(admin, async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      }),
  }
}

/** The URL of a database, which is made when it is missing. */
export async function databaseNamed(admin: string, name: string): Promise<string> {
  await withClient(admin, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${name}`)
  })
  const url = new URL(admin)
  url.pathname = `/${name}`
  return url.href
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
