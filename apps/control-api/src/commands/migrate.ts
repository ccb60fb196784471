/** The schema of the configured database: how it stands to this version, and bringing it there. */
import { DatabaseError, migrate, migrations, openDatabase } from '@iron/database'
import { loadConfig } from '../config.ts'
import { EXIT_CODES } from '../command-line/exit-codes.ts'

/** How `iron migrate …` is called. */
export interface MigrateOptions {
  readonly json?: boolean | undefined
}

/** How a schema stands to this version; `state` is a reason of SCHEMA_MISMATCH unless it is `current`. */
interface SchemaState {
  readonly state: string
  /** Steps that this version ships. */
  readonly shipped: number
  readonly pending: readonly string[]
  readonly problem: string | null
}

/** `iron migrate up`: brings the schema to this version, under the owner role when one is configured (rulings R10). */
export async function migrateUp({ json }: MigrateOptions): Promise<void> {
  const applied = await runSteps(ownersUrl())
  const version = migrations.length
  const text = `schema version ${String(version)}${applied.length === 0 ? '' : ` (applied ${applied.join(', ')})`}`
  process.stdout.write(`${json === true ? JSON.stringify({ version, applied }) : text}\n`)
}

/** @returns the names of the steps that ran here */
async function runSteps(url: string): Promise<readonly string[]> {
  const found = await openDatabase(url, { migrations: 'unchecked' }).catch(refuseOthers)
  if (found === undefined) {
    // A SQLite file that is missing is made.
    await (await openDatabase(url, { migrations: 'apply' })).close()
    return migrations.map(({ name }) => name)
  }
  await using database = found
  const { applied } = await migrate(database)
  return applied.map((number) => migrations[number - 1]?.name ?? String(number))
}

function refuseOthers(error: unknown): undefined {
  if (!(error instanceof DatabaseError) || error.code !== 'DATABASE_UNAVAILABLE') throw error
}

/** `iron migrate status`: changes nothing; exit code 1 unless the schema is exactly this version's. */
export async function migrateStatus({ json }: MigrateOptions): Promise<void> {
  const state = await schemaState(ownersUrl())
  process.stdout.write(json === true ? `${JSON.stringify(state)}\n` : textOf(state))
  if (state.state !== 'current') process.exitCode = EXIT_CODES.findings
}

async function schemaState(url: string): Promise<SchemaState> {
  const shipped = migrations.length
  try {
    await (await openDatabase(url, { migrations: 'verify' })).close()
    return { state: 'current', shipped, pending: [], problem: null }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    const { code, details, message } = error
    if (code !== 'SCHEMA_MISMATCH' && code !== 'MIGRATION_CHECKSUM_MISMATCH') throw error
    const pending = (details['pending'] ?? []) as readonly string[]
    const state = typeof details['reason'] === 'string' ? details['reason'] : 'checksum'
    return { state, shipped, pending, problem: message }
  }
}

function textOf({ state, shipped, pending, problem }: SchemaState): string {
  if (state === 'current') return `current: all ${String(shipped)} migrations of this version have run\n`
  return `${state}: ${problem ?? ''}\n${pending.map((name) => `  pending ${name}\n`).join('')}`
}

function ownersUrl(): string {
  const config = loadConfig()
  return config.migrateDatabaseUrl ?? config.databaseUrl
}
