/** Somebody who can write the database file or the tables past the server: what verification must find. */
import { type IronDatabase, openDatabase, TABLE_OWNERS } from '@iron/database'

export type Row = Record<string, string | number | null>

export interface Attacker extends AsyncDisposable {
  readonly database: IronDatabase
  /** Rows of a statement; `?` stands for a parameter on both engines. */
  rows<T = Row>(sql: string, ...parameters: unknown[]): Promise<T[]>
  /** Takes away the triggers that protect rows. */
  disarm(): Promise<void>
  /** Puts them back. */
  rearm(): Promise<void>
  /** Puts the two chains and their heads back as they were when the attacker came. */
  undo(): Promise<void>
}

/** Rows that are deleted and inserted again. */
const CHAINS = ['audit_log', 'ledger_entries'] as const
/** Rows that others refer to: their columns are put back. */
const HEADS = { log_heads: 'name', agent_budgets: 'agent_id' } as const

/** On a connection of its own, without any check of the schema. */
export async function openAttacker(url: string): Promise<Attacker> {
  const database = await openDatabase(url, { migrations: 'unchecked' })
  const isPostgres = database.dialect === 'postgres'
  const rows = async <T>(sql: string, ...parameters: unknown[]): Promise<T[]> => {
    let position = 0
    const text = isPostgres ? sql.replaceAll('?', () => `$${String((position += 1))}`) : sql
    return (await database.write((tx) => tx.execute<T>({ sql: text, parameters }))).rows
  }
  const insert = async (table: string, row: Row): Promise<void> => {
    const names = Object.keys(row)
    const places = names.map(() => '?').join(', ')
    await rows(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${places})`, ...Object.values(row))
  }
  const before = new Map<string, Row[]>()
  for (const table of [...CHAINS, ...Object.keys(HEADS)]) before.set(table, await rows<Row>(`SELECT * FROM ${table}`))
  const triggers = isPostgres
    ? []
    : await rows<{ name: string; sql: string }>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
  const toggle = async (what: 'DISABLE' | 'ENABLE'): Promise<void> => {
    for (const table of Object.keys(TABLE_OWNERS)) await rows(`ALTER TABLE ${table} ${what} TRIGGER USER`)
  }
  return {
    database,
    rows,
    disarm: async () => {
      if (isPostgres) await toggle('DISABLE')
      else for (const { name } of triggers) await rows(`DROP TRIGGER ${name}`)
    },
    rearm: async () => {
      if (isPostgres) await toggle('ENABLE')
      else for (const { sql } of triggers) await rows(sql)
    },
    undo: async () => {
      for (const [table, key] of Object.entries(HEADS)) {
        for (const row of before.get(table) ?? []) {
          const names = Object.keys(row).filter((name) => name !== key)
          const assignments = names.map((name) => `${name} = ?`).join(', ')
          const values = names.map((name) => row[name])
          await rows(`UPDATE ${table} SET ${assignments} WHERE ${key} = ?`, ...values, row[key])
        }
      }
      for (const table of CHAINS) {
        await rows(`DELETE FROM ${table}`)
        for (const row of before.get(table) ?? []) await insert(table, row)
      }
    },
    [Symbol.asyncDispose]: () => database.close(),
  }
}
