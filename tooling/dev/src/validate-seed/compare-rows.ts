/** Two databases of one schema, held against each other row by row. SQLite only. */
import type { IronDatabase, TableName, Violation } from '@iron/database'

type Row = Readonly<Record<string, unknown>>

/** When and by which version the schema was made is no part of the seed. */
const NOT_COMPARED: ReadonlySet<string> = new Set(['schema_migrations'])
/** What is random by nature: hashes of passwords, and what is sealed. */
const RANDOM: Readonly<Partial<Record<TableName, readonly string[]>>> = {
  users: ['password_hash'],
  provider_keys: ['sealed'],
}
/** What is sealed under each master key, to know it again. */
const RANDOM_ROW = /^vault\.canary\./
/** Findings of one table that are listed; the others are counted. */
const LISTED_MAX = 20

/** Every row that is missing, too many, or says something else than the expected one. */
export async function compareRows(live: IronDatabase, expected: IronDatabase): Promise<Violation[]> {
  const findings: Violation[] = []
  for (const { table, key } of await tablesOf(expected)) {
    const [found, wanted] = [await rowsOf(live, table, key), await rowsOf(expected, table, key)]
    const random = (RANDOM as Readonly<Record<string, readonly string[] | undefined>>)[table] ?? []
    const ofTable = [
      ...[...wanted].flatMap(([id, row]) => rowFaults(id, found.get(id), row, random)),
      ...[...found.keys()].filter((id) => !wanted.has(id)).map((id) => `${id} is not part of the seed`),
    ].map((text) => ({ rule: 'row', where: table, text }))
    findings.push(...ofTable.slice(0, LISTED_MAX))
    const left = ofTable.length - LISTED_MAX
    if (left > 0) findings.push({ rule: 'row', where: table, text: `and ${String(left)} more` })
  }
  return findings
}

function rowFaults(id: string, row: Row | undefined, wanted: Row, random: readonly string[]): string[] {
  if (row === undefined) return [`${id} is missing`]
  return Object.entries(wanted)
    .filter(([column, value]) => row[column] !== value && !random.includes(column))
    .map(([column, value]) => `${id}: ${column} is ${shown(row[column])}, not ${shown(value)}`)
}

interface KeyedTable {
  readonly table: string
  readonly key: readonly string[]
}

async function tablesOf(db: IronDatabase): Promise<KeyedTable[]> {
  const rows = await query<{ table: string; column: string }>(
    db,
    `SELECT s.name AS "table", c.name AS "column" FROM sqlite_schema s JOIN pragma_table_info(s.name) c
     WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite~_%' ESCAPE '~' AND c.pk > 0 ORDER BY s.name, c.pk`,
  )
  const tables = Map.groupBy(
    rows.filter(({ table }) => !NOT_COMPARED.has(table)),
    ({ table }) => table,
  )
  return [...tables].map(([table, columns]) => ({ table, key: columns.map(({ column }) => column) }))
}

/** The rows of a table by the text of their key; none when there is no such table, which is the schema's fault. */
async function rowsOf(db: IronDatabase, table: string, key: readonly string[]): Promise<Map<string, Row>> {
  const known = await query(db, `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?`, table)
  const rows = known.length === 0 ? [] : await query<Row>(db, `SELECT * FROM "${table}"`)
  const keyed = rows.map((row) => [key.map((column) => String(row[column])).join(' '), row] as const)
  return new Map(keyed.filter(([id]) => !RANDOM_ROW.test(id)))
}

async function query<T>(db: IronDatabase, sql: string, ...parameters: string[]): Promise<readonly T[]> {
  return (await db.read((tx) => tx.execute<T>({ sql, parameters }))).rows
}

/** Longest value that is printed in full, in characters. */
const SHOWN_MAX = 80

function shown(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value)
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`
}
