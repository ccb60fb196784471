import { steps } from '@iron/migrations'
import { sql } from 'kysely'
import type { IronDatabase } from '../iron-database.ts'
import type { ReadTx, WriteTx } from '../transaction.ts'
import { acceptedForbidden } from './append-only-probe.ts'
import { describeSchema, differencesOf } from './describe-schema.ts'
import { expectedSchema } from './expected-schema.ts'
import { faultOf, foreignKeys } from './foreign-key-layers.ts'
import { decideHistory } from './history.ts'
import { readHistory } from './read-history.ts'
import { isAsRecorded } from './recheck-schema.ts'

/** One fault of a schema. */
export interface Violation {
  /** `schema`, `migrations`, `strict`, `foreign-keys`, `integrity`, `orphan`, `append-only` or `layers`. */
  readonly rule: string
  /** The table, column or object. */
  readonly where: string
  readonly text: string
}

/** The probe waits for the writer, and a large file takes its time to check, in milliseconds. */
const VALIDATION_TIMEOUT_MS = 600_000

/**
 * Checks a database against the shipped migrations: every object, the list of steps, strictness, integrity, the direction of
 * foreign keys, and that the append-only tables really refuse (tried in a transaction that is rolled back). Changes nothing.
 */
export async function validateSchema(db: IronDatabase): Promise<Violation[]> {
  const found = await db.read(async (tx) => [...(await historyFaults(tx)), ...(await directionFaults(tx))])
  // On the writer: a read-only connection's integrity_check passes over rows that break a CHECK.
  if (db.dialect === 'sqlite') found.push(...(await rolledBack(db, fileFaults)))
  const different = await schemaFaults(db)
  // With a table or column missing, the rows to try cannot be made; the difference is reported already.
  const accepted = different.some(({ where }) => where.startsWith('table ')) ? [] : await appendOnlyFaults(db)
  return [
    ...found,
    ...different,
    ...(found.length + different.length === 0 ? await fingerprintFaults(db) : []),
    ...accepted,
  ]
}

/** Of steps and a schema that are as they should be, the recorded fingerprint may still be another's. */
async function fingerprintFaults(db: IronDatabase): Promise<Violation[]> {
  if (await db.read((tx) => isAsRecorded(tx.sql, tx.dialect))) return []
  const text = 'the recorded fingerprint is not that of the schema'
  return [{ rule: 'migrations', where: 'schema_migrations', text }]
}

async function historyFaults({ sql: db, dialect }: ReadTx): Promise<Violation[]> {
  const { outcome } = decideHistory(await readHistory(db, dialect), steps)
  return outcome === 'current'
    ? []
    : [
        {
          rule: 'migrations',
          where: 'schema_migrations',
          text: `the recorded steps are not the shipped ones: ${outcome}`,
        },
      ]
}

async function directionFaults({ sql: db, dialect }: ReadTx): Promise<Violation[]> {
  return (await foreignKeys(db, dialect)).flatMap((key) => {
    const text = faultOf(key)
    return text === undefined ? [] : [{ rule: 'layers', where: `${key.table}.${key.column}`, text }]
  })
}

async function fileFaults({ sql: db }: ReadTx): Promise<Violation[]> {
  const loose = await sql<{ name: string }>`SELECT name FROM pragma_table_list
    WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite~_%' ESCAPE '~'`.execute(db)
  const integrity = await sql<{ integrity_check: string }>`PRAGMA integrity_check`.execute(db)
  const orphans = await sql<{ table: string; parent: string }>`PRAGMA foreign_key_check`.execute(db)
  return [
    ...loose.rows.map(({ name }) => ({ rule: 'strict', where: name, text: 'is not STRICT' })),
    ...integrity.rows
      .filter((row) => row.integrity_check !== 'ok')
      .map((row) => ({ rule: 'integrity', where: 'file', text: row.integrity_check })),
    ...orphans.rows.map(({ table, parent }) => ({
      rule: 'orphan',
      where: table,
      text: `a row has no row in ${parent}`,
    })),
  ]
}

async function schemaFaults(db: IronDatabase): Promise<Violation[]> {
  return rolledBack(db, async (tx) => {
    const live = await describeSchema(tx.sql, tx.dialect)
    const expected = await expectedSchema(tx.sql, tx.dialect, steps)
    return differencesOf(expected, live).map(({ object, text }) => ({ rule: 'schema', where: object, text }))
  })
}

async function appendOnlyFaults(db: IronDatabase): Promise<Violation[]> {
  return rolledBack(db, async (tx) => {
    const accepted = await acceptedForbidden(tx)
    const faults = accepted.map(({ table, statement }) => ({
      rule: 'append-only',
      where: table,
      text: `${statement} was accepted`,
    }))
    if (tx.dialect === 'postgres') return faults
    const { rows } = await sql<{ foreign_keys: number }>`PRAGMA foreign_keys`.execute(tx.sql)
    if (rows[0]?.foreign_keys === 1) return faults
    return [...faults, { rule: 'foreign-keys', where: 'connection', text: 'are not enforced' }]
  })
}

async function rolledBack<T>(db: IronDatabase, work: (tx: WriteTx) => Promise<T>): Promise<T> {
  const outcome: T[] = []
  const undo = new Error('rolled back on purpose')
  try {
    await db.write(
      async (tx) => {
        outcome.push(await work(tx))
        throw undo
      },
      { timeoutMs: VALIDATION_TIMEOUT_MS },
    )
  } catch (error) {
    if (error !== undo) throw error
  }
  return outcome.at(-1) as T
}
