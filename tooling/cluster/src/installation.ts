/**
 * The settings of one installation: a database, the three secrets that every process of it shares, an admin. The caps of
 * leases and sockets are raised, because the scripts here are about something else (rulings R2).
 */
import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** Who may do everything on it. */
export const ADMIN = { email: 'admin@cluster.test', password: 'a password for the cluster' }

const CLASSES =
  'FLOOD AUTHFAIL LOGIN LOGIN_EMAIL AUTH PUBLIC READ WRITE SECRET ANALYTICS GRANT REPORT BATCH BEAT'.split(' ')

/** For scripts that are about something else (rulings R2). */
export const RATE_LIMITS_OFF: Readonly<Record<string, string>> = Object.fromEntries(
  CLASSES.map((name) => [`IRON_RATE_LIMIT_${name}`, 'off']),
)

/** What is raised, as it is printed with every result. */
export const SETTINGS = 'rate limits off, 1000 leases per agent, 2000 sockets per principal and address'

export function installationSettings(
  databaseUrl: string,
  env: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const secret = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`
  return {
    DATABASE_URL: databaseUrl,
    JWT_SECRET: secret('k1'),
    IC_TOKEN_SECRET: secret('k1'),
    IRON_MASTER_KEYS: secret('m1'),
    IRON_METRICS_TOKEN: randomBytes(18).toString('base64url'),
    IRON_ADMIN_EMAIL: ADMIN.email,
    IRON_ADMIN_PASSWORD: ADMIN.password,
    IRON_LEASES_MAX: '1000',
    IRON_WS_MAX_PER_PRINCIPAL: '2000',
    IRON_WS_MAX_PER_ADDRESS: '2000',
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'warn',
    ...env,
  }
}

/** An empty database of its own on a PostgreSQL. */
export interface OwnDatabase extends AsyncDisposable {
  readonly url: string
}

export async function createDatabase(admin: string): Promise<OwnDatabase> {
  const name = `iron_cluster_${randomBytes(6).toString('hex')}`
  await rowsOf(admin, `CREATE DATABASE ${name}`)
  const url = new URL(admin)
  url.pathname = `/${name}`
  return {
    url: url.href,
    [Symbol.asyncDispose]: async () => {
      await rowsOf(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

/** One statement on a connection of its own, past every server: what is really there. Numbers come as text. */
export async function rowsOf<Row extends object>(
  url: string,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql, [...parameters])).rows
  } finally {
    await client.end()
  }
}
