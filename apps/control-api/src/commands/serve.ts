import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { claimDatabase } from '@iron/database'
import { TokenManagerError } from '@iron/token-manager'
import { type ControlApiConfig, loadConfig } from '../config.ts'
import { ApiServer } from '../server.ts'
import { StateManager } from '../state-manager.ts'

/** Random bytes of a generated admin password: 24 characters. */
const PASSWORD_BYTES = 18

/**
 * Runs the server until it is told to stop.
 *
 * @param options.bcryptCost of passwords set from now on; tests of something else take a low one
 * @throws {ConfigError}; {DatabaseError} DATABASE_BUSY when another server serves the SQLite file
 */
export async function serve(options: { readonly bcryptCost?: number } = {}): Promise<void> {
  const config = loadConfig()
  using _claim = claimDatabase(config.databaseUrl)
  const state = new StateManager(config, options)
  try {
    await createFirstAdmin(state)
  } catch (error) {
    await state.close()
    throw error
  }
  const server = new ApiServer(state, state.config.port)
  void server.address.then(
    (address) => {
      collectGarbage()
      announce(config, address)
    },
    () => undefined,
  )
  await server.start()
}

/** On an empty users table only; a generated password is shown here, once, and nowhere else. */
export async function createFirstAdmin(state: StateManager): Promise<void> {
  const { users } = await state.services()
  const { adminEmail, adminPassword } = state.config
  const password = adminPassword ?? randomBytes(PASSWORD_BYTES).toString('base64url')
  try {
    await users.bootstrapAdmin({ username: 'admin', email: adminEmail, password })
  } catch (error) {
    // There are users already, or another process of this installation was first.
    if (error instanceof TokenManagerError && error.code === 'ALREADY_BOOTSTRAPPED') return
    throw error
  }
  if (adminPassword === undefined) {
    process.stderr.write(
      `\nThe first admin is ${adminEmail} with the password ${password}\nIt is shown this once; change it after logging in.\n\n`,
    )
  }
}

/**
 * Gives back what the start left behind, before anyone waits for an answer (measured: 20 ms, and 40 of 160 MB). V8 would do so once it
 * finds the process idle, but takes the rate of allocation at the start for the present one as long as little is allocated.
 */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose-gc')
  collect()
}

function announce({ host, docs }: ControlApiConfig, address: AddressInfo): void {
  const shown = host.includes(':') ? `[${host}]` : host
  const url = `http://${shown}:${String(address.port)}`
  process.stdout.write(`iron control-api listening on ${url}\n`)
  const reference = docs ? `  ${url}/docs    every call, to read and to try in a browser\n` : ''
  process.stderr.write(
    `Try next:\n  curl ${url}/health\n${reference}  npx --yes pnpm@12 demo        the whole budget session, played and checked\n  README.md                     the same session by hand with curl\n`,
  )
}
