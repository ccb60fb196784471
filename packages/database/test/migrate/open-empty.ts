import { randomBytes } from 'node:crypto'
import type { AnySchema } from '@iron/migrations'
import { type Engine, postgresForTests } from '@iron/test-kit'
import { CompiledQuery } from 'kysely'
import { kyselyOn } from '../../src/kysely-executor.ts'
import type { MigrationHost } from '../../src/migrate/host.ts'
import { clientConfig, executorOf, loadDriver } from '../../src/postgres/client.ts'
import { SqliteConnection } from '../../src/sqlite/connection.ts'

/** An empty database without any of our tables: memory or a file, or a schema of its own on PostgreSQL. */
export interface EmptyDatabase extends AsyncDisposable {
  readonly dialect: Engine
  readonly db: AnySchema
  readonly host: MigrationHost
  /** Rows of a statement; `?` stands for a parameter on both engines. */
  rows<T = Record<string, unknown>>(text: string, ...parameters: unknown[]): Promise<T[]>
}

export interface EmptyOptions {
  /** SQLite: default `:memory:`. */
  readonly file?: string
  /** PostgreSQL: default a new one, dropped at the end. */
  readonly schema?: string
  readonly now?: () => number
}

export async function openEmpty(dialect: Engine, options: EmptyOptions = {}): Promise<EmptyDatabase> {
  return dialect === 'sqlite' ? onSqlite(options) : onPostgres(options)
}

function onSqlite({ file = ':memory:', now }: EmptyOptions): EmptyDatabase {
  const connection = new SqliteConnection(file)
  const close = async (): Promise<void> => connection.close()
  return facade('sqlite', kyselyOn('sqlite', connection), close, now)
}

async function onPostgres({ schema, now }: EmptyOptions): Promise<EmptyDatabase> {
  const service = await postgresForTests()
  if (service === undefined) throw new Error('there is no PostgreSQL')
  const { Client } = await loadDriver()
  const name = schema ?? `iron_schema_${randomBytes(8).toString('hex')}`
  const client = new Client({
    ...clientConfig(service.url),
    options: `-c search_path=${name} -c synchronous_commit=off`,
  })
  await client.connect()
  if (schema === undefined) await client.query(`CREATE SCHEMA ${name}`)
  const close = async (): Promise<void> => {
    if (schema === undefined) await client.query(`DROP SCHEMA ${name} CASCADE`)
    await client.end()
  }
  return facade('postgres', executorOf(client).kysely, close, now)
}

function facade(dialect: Engine, db: AnySchema, close: () => Promise<void>, now = (): number => 1): EmptyDatabase {
  return {
    dialect,
    db,
    host: { dialect, exclusive: (work) => work(db), now },
    rows: async <T>(text: string, ...parameters: unknown[]): Promise<T[]> => {
      let position = 0
      const sql = dialect === 'postgres' ? text.replace(/\?/g, () => `$${String((position += 1))}`) : text
      return (await db.executeQuery<T>(CompiledQuery.raw(sql, parameters))).rows
    },
    [Symbol.asyncDispose]: close,
  }
}
