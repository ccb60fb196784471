/** What is in the database, for a look in passing. */
import { toUsd, type Microdollars } from '@iron/cost-calculator'
import { loadConfig } from '@iron/control-api/development'
import { type IronDatabase, openDatabase } from '@iron/database'
import { localFile } from '../database-file.ts'
import { say, sayTable } from '../say.ts'

/** `db:schema`: the statements that would make it. */
export async function showSchema(): Promise<void> {
  await using database = await open()
  const rows = await query<{ sql: string }>(
    database,
    `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY type DESC, name`,
  )
  for (const { sql } of rows) say(`${sql};\n`)
}

/** `db:tables`: every table with its number of rows. */
export async function showTables(): Promise<void> {
  await using database = await open()
  const tables = await query<{ name: string }>(
    database,
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name`,
  )
  const counted = []
  for (const { name } of tables) {
    const [row] = await query<{ rows: number }>(database, `SELECT count(*) AS rows FROM "${name}"`)
    counted.push({ table: name, rows: row?.rows ?? 0 })
  }
  sayTable(counted)
}

/** `db:users`: who there is. */
export function showUsers(): Promise<void> {
  return showRows(`SELECT id, username, email, role,
    CASE WHEN deleted_at IS NOT NULL THEN 'deleted' WHEN suspended_at IS NOT NULL THEN 'suspended' ELSE 'active' END AS state
    FROM users ORDER BY created_at, id`)
}

/** `db:tokens`: API tokens, of their secrets only what lists show. */
export function showTokens(): Promise<void> {
  return showRows(`SELECT t.id, t.name, u.username AS owner, t.project_id AS project, s.hint,
    strftime('%Y-%m-%dT%H:%M:%SZ', t.expires_at / 1000, 'unixepoch') AS expires,
    CASE WHEN t.revoked_at IS NULL THEN '' ELSE 'revoked' END AS state
    FROM api_tokens t LEFT JOIN users u ON u.id = t.owner_id
    LEFT JOIN api_token_secrets s ON s.token_id = t.id AND s.valid_until IS NULL ORDER BY t.created_at, t.id`)
}

/** `db:usage`: calls, tokens and cost of every API token and agent. */
export async function showUsage(): Promise<void> {
  await using database = await open()
  const rows = await query<{ source: string; name: string; calls: number; tokens: number; cost: number }>(
    database,
    `SELECT r.source, coalesce(a.agent_name, t.token_name, r.subject_id) AS name, count(*) AS calls,
       sum(r.total_tokens) AS tokens, sum(r.cost_micros) AS cost
     FROM requests r LEFT JOIN agent_owner a ON a.agent_id = r.subject_id LEFT JOIN token_owner t ON t.token_id = r.subject_id
     GROUP BY r.source, r.subject_id ORDER BY r.source, name`,
  )
  sayTable(rows.map(({ cost, ...row }) => ({ ...row, cost_usd: toUsd(cost as Microdollars) })))
}

async function showRows(sql: string): Promise<void> {
  await using database = await open()
  sayTable(await query(database, sql))
}

/** As it is: nothing is created or migrated. */
function open(): Promise<IronDatabase> {
  return openDatabase(localFile(loadConfig()), { migrations: 'unchecked' })
}

async function query<T>(database: IronDatabase, sql: string): Promise<readonly T[]> {
  return (await database.read((tx) => tx.execute<T>({ sql, parameters: [] }))).rows
}
