// The server that a bench measures, started from its build, and how a bench calls it.
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProcess, type StartedProcess } from '@iron/test-kit'

const here = path.dirname(fileURLToPath(import.meta.url))
/** The built program. */
export const serverMain = path.resolve(here, '..', '..', '..', 'apps', 'control-api', 'dist', 'main.js')
const CLASSES =
  'FLOOD AUTHFAIL LOGIN LOGIN_EMAIL AUTH PUBLIC READ WRITE SECRET ANALYTICS GRANT REPORT BATCH BEAT'.split(' ')

/** Who may do everything on that server. */
export const ADMIN = { email: 'admin@bench.test', password: 'a password for the bench' }

/** Fresh secrets, as the variables of the server. */
export function secrets(): Record<string, string> {
  const secret = (): string => `k1:${randomBytes(32).toString('base64')}`
  return { JWT_SECRET: secret(), IC_TOKEN_SECRET: secret(), IRON_MASTER_KEYS: secret() }
}

/** Rate limits off; `env` beside what every bench needs. */
export async function startServer(
  databaseUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ process: StartedProcess; address: string }> {
  const started = await startProcess(process.execPath, [serverMain, 'serve'], {
    ready: /listening on (http:\/\/\S+)/,
    env: {
      DATABASE_URL: databaseUrl,
      ...secrets(),
      IRON_ADMIN_EMAIL: ADMIN.email,
      IRON_ADMIN_PASSWORD: ADMIN.password,
      IRON_LEASES_MAX: '1000',
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'warn',
      ...Object.fromEntries(CLASSES.map((name) => [`IRON_RATE_LIMIT_${name}`, 'off'])),
      ...env,
    },
  })
  return { process: started, address: started.ready[1] ?? '' }
}

/** Posts to the server. @throws Error with its answer unless it is 2xx */
export async function call(
  address: string,
  route: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Record<string, never>> {
  // eslint-disable-next-line no-restricted-globals -- the bench is a client of the server it started
  const response = await fetch(`${address}/api/v1${route}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Record<string, never>
}
