/**
 * Copies everything from one database into an empty one, whatever the two engines are. The source is read in one snapshot, so it
 * may be in use; the target gets all of it in one transaction or nothing. What arrived is read again and compared value by value.
 */
import type { AnySchema, Engine } from '@iron/migrations'
import { sql } from 'kysely'
import { DatabaseError } from '../errors.ts'
import { fingerprint } from '../migrate/fingerprint.ts'
import { mismatch } from '../migrate/history.ts'
import { holdsData, readHistory } from '../migrate/read-history.ts'
import { type CopiedTable, copiedTables, countRows } from './copied-tables.ts'
import { insertRows, pagesOf, TableDigest } from './table-rows.ts'
import { unguarded } from './unguarded.ts'

/** How far a copy is. */
export interface CopyProgress {
  readonly phase: 'copying' | 'comparing'
  readonly table: string
  /** Rows done, and of all tables in this phase. */
  readonly rows: number
  readonly rowsTotal: number
}

/** Options of a copy. */
export interface CopyOptions {
  /** Told after every page of rows. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
}

/** What was copied: rows by table. */
export interface Copied {
  readonly rows: number
  readonly tables: Readonly<Record<string, number>>
}

/** One side of a copy. */
export interface CopySide {
  readonly dialect: Engine
  /** A snapshot that lasts as long as the work. */
  readonly snapshot: <T>(work: (db: AnySchema) => Promise<T>) => Promise<T>
  /** A connection without a transaction and nobody else of this process on it. */
  readonly exclusive: <T>(work: (db: AnySchema) => Promise<T>) => Promise<T>
}

interface Copy {
  readonly source: AnySchema
  readonly target: AnySchema
  readonly tables: readonly CopiedTable[]
  readonly rowsTotal: number
  readonly from: Engine
  readonly to: Engine
  readonly onProgress: NonNullable<CopyOptions['onProgress']>
}

/**
 * @throws {DatabaseError} COPY_REFUSED when the target holds data; SCHEMA_MISMATCH unless both have the same migrations;
 * COPY_FAILED when what arrived differs. Nothing is written then.
 */
export function copyAll(from: CopySide, to: CopySide, { onProgress = ignore }: CopyOptions = {}): Promise<Copied> {
  return from.snapshot((source) =>
    to.exclusive(async (target) => {
      await sql
        .raw(to.dialect === 'sqlite' ? 'BEGIN IMMEDIATE' : 'BEGIN ISOLATION LEVEL READ COMMITTED')
        .execute(target)
      try {
        if (to.dialect === 'postgres') await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(target)
        await refuseOtherVersions(source, from.dialect, target, to.dialect)
        const tables = await copiedTables(source, from.dialect)
        let rowsTotal = 0
        for (const { name } of tables) rowsTotal += await countRows(source, name)
        const copy = { source, target, tables, rowsTotal, from: from.dialect, to: to.dialect, onProgress }
        const copied = await copyTables(copy)
        await refuseOtherSchema(target, to.dialect)
        await sql`COMMIT`.execute(target)
        if (to.dialect === 'postgres') await sql`ANALYZE`.execute(target)
        return copied
      } catch (error) {
        await sql`ROLLBACK`.execute(target).catch(ignore)
        throw error
      }
    }),
  )
}

async function copyTables(copy: Copy): Promise<Copied> {
  const { target, tables, to } = copy
  const digests = await unguarded(target, to, async () => {
    // The tables are locked now: what is empty stays so.
    if (await holdsData(target, to)) {
      throw new DatabaseError('COPY_REFUSED', 'the target holds data already: only an empty database is copied into', {
        details: { reason: 'not-empty' },
      })
    }
    await sql`DELETE FROM log_heads`.execute(target)
    return load(copy)
  })
  await compare(copy, digests)
  const counts = tables.map(({ name }) => [name, digests.get(name)?.rows ?? 0] as const)
  return { rows: copy.rowsTotal, tables: Object.fromEntries(counts) }
}

interface Digested {
  readonly rows: number
  readonly digest: string
}

async function load({ source, target, tables, rowsTotal, from, to, onProgress }: Copy): Promise<Map<string, Digested>> {
  const digests = new Map<string, Digested>()
  let done = 0
  for (const table of tables) {
    const digest = new TableDigest(table)
    for await (const rows of pagesOf(source, table, PARAMETERS[from])) {
      await insertRows(target, table, rows, PARAMETERS[to])
      digest.add(rows)
      onProgress({ phase: 'copying', table: table.name, rows: (done += rows.length), rowsTotal })
    }
    digests.set(table.name, { rows: digest.rows, digest: digest.end() })
  }
  return digests
}

async function compare(
  { target, tables, rowsTotal, to, onProgress }: Copy,
  expected: ReadonlyMap<string, Digested>,
): Promise<void> {
  let done = 0
  for (const table of tables) {
    const digest = new TableDigest(table)
    for await (const rows of pagesOf(target, table, PARAMETERS[to])) {
      digest.add(rows)
      onProgress({ phase: 'comparing', table: table.name, rows: (done += rows.length), rowsTotal })
    }
    const wanted = expected.get(table.name)
    if (digest.rows !== wanted?.rows || digest.end() !== wanted.digest) {
      throw new DatabaseError('COPY_FAILED', `the rows of ${table.name} did not arrive as they were`, {
        details: { table: table.name, rows: digest.rows, expected: wanted?.rows },
      })
    }
  }
}

async function refuseOtherVersions(source: AnySchema, from: Engine, target: AnySchema, to: Engine): Promise<void> {
  const [here, there] = [await stepsOf(source, from), await stepsOf(target, to)]
  if (JSON.stringify(here) === JSON.stringify(there)) return
  throw mismatch('diverged', 'both databases must have the same migrations', {
    source: here.length,
    target: there.length,
  })
}

async function stepsOf(db: AnySchema, engine: Engine): Promise<[number, string, string][]> {
  const found = await readHistory(db, engine)
  return found.kind === 'recorded' ? found.steps.map(({ number, name, checksum }) => [number, name, checksum]) : []
}

/** The triggers and keys that were set aside must stand as before. */
async function refuseOtherSchema(target: AnySchema, engine: Engine): Promise<void> {
  const found = await readHistory(target, engine)
  const recorded = found.kind === 'recorded' ? found.steps.at(-1)?.schemaHash : undefined
  if ((await fingerprint(target, engine)) === recorded) return
  throw mismatch('dirty', 'the schema of the target is not the one its migrations made', {})
}

const PARAMETERS: Readonly<Record<Engine, (place: number) => string>> = {
  sqlite: () => '?',
  postgres: (place) => `$${String(place)}`,
}

function ignore(): void {}
