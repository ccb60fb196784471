import { loadConfig } from '../config.ts'
import { StateManager } from '../state-manager.ts'
import { openAsItIs } from './examined-database.ts'

/**
 * The state of an installation that is there, for commands which work on one: a wrong `DATABASE_URL` makes neither a file nor
 * secrets, and a schema of another version is refused instead of changed under a running server.
 *
 * @throws {ConfigError}; {DatabaseError} DATABASE_UNAVAILABLE when there is none
 */
export async function openInstallation(): Promise<StateManager> {
  const config = loadConfig()
  // Before anything else: the first to ask for generated secrets makes them beside the database.
  await (await openAsItIs(config)).close()
  return new StateManager({ ...config, autoMigrate: false })
}
