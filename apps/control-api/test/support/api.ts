import type { Clock } from '@iron/database'
import { type ControlApiConfig, ApiServer, StateManager } from '../../src/index.ts'
import { createFirstAdmin } from '../../src/commands/serve.ts'
import { RATE_CLASS_NAMES } from '../../src/http/rate-classes.ts'
import type { SocketLimits } from '../../src/ws/limits.ts'
import { checkDocumented } from './documented.ts'
import { HttpClient } from './http-client.ts'
import { ADMIN } from './server-process.ts'

/** A server in this process, on a free loopback port and a database in memory. */
export interface TestApi extends AsyncDisposable {
  readonly address: string
  readonly port: number
  readonly client: HttpClient
  readonly state: StateManager
}

/** Logins that cost nothing: what is proved does not depend on it. */
const BCRYPT_COST = 4

/** Every rate class switched off: for tests that are about something else (rulings R2). */
export const RATES_OFF: ControlApiConfig['rateLimits'] = Object.fromEntries(
  RATE_CLASS_NAMES.map((name) => [name, 'off']),
)

/**
 * Starts the real server, without rate limits unless they are given; everything else speaks HTTP to it, and every exchange is
 * held against the OpenAPI document.
 */
export async function startApi(
  config: Partial<ControlApiConfig> = {},
  options: { readonly clock?: Clock; readonly sockets?: Partial<SocketLimits> } = {},
): Promise<TestApi> {
  const state = new StateManager(
    {
      databaseUrl: ':memory:',
      logLevel: 'silent',
      adminEmail: ADMIN.email,
      adminPassword: ADMIN.password,
      rateLimits: RATES_OFF,
      ...config,
    },
    { bcryptCost: BCRYPT_COST, clock: options.clock },
  )
  await createFirstAdmin(state)
  const server = new ApiServer(state, 0, { drainMs: 1_000, sockets: options.sockets })
  const serving = server.start()
  const { port } = await server.address
  const address = `http://127.0.0.1:${port}`
  const client = new HttpClient(address, { check: checkDocumented })
  return {
    address,
    port,
    client,
    state,
    [Symbol.asyncDispose]: async () => {
      client[Symbol.dispose]()
      await server.stop('test')
      await serving
    },
  }
}
