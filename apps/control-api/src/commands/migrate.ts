import { migrate, openDatabase } from '@iron/database'
import { loadConfig } from '../config.ts'

/** Brings the schema to this version, under the owner role when one is configured (rulings R10). */
export async function runMigrations(): Promise<void> {
  const config = loadConfig()
  await using database = await openDatabase(config.migrateDatabaseUrl ?? config.databaseUrl, { migrations: 'apply' })
  const { applied, version } = await migrate(database)
  process.stdout.write(`schema version ${version}${applied.length === 0 ? '' : ` (applied ${applied.join(', ')})`}\n`)
}
