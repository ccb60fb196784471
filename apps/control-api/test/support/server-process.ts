import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTestPlace, type TestPlace } from '@iron/database/testing'
import { type StartedProcess, startProcess } from '@iron/test-kit'
import { bundle } from '@iron/test-kit/bundle'
import type { Answer, HttpClient } from './http-client.ts'

const here = path.dirname(fileURLToPath(import.meta.url))

const app = path.resolve(here, '..', '..')

/** `iron`, from its sources as they are now. */
export const mainProgram = await bundle(path.join(app, 'src', 'main.ts'))

/** `iron serve` whose passwords cost little. */
const serveProgram = await bundle(path.join(here, 'serve.ts'))

export const ADMIN = { email: 'admin@iron.test', password: 'correct horse battery' }

const CLASSES =
  'FLOOD AUTHFAIL LOGIN LOGIN_EMAIL AUTH PUBLIC READ WRITE SECRET ANALYTICS GRANT REPORT BATCH BEAT'.split(' ')

/** The settings of one installation: every process of it gets the same (rulings R5). */
export interface Installation extends AsyncDisposable {
  readonly place: TestPlace
  readonly env: Readonly<Record<string, string>>
}

/** A database with secrets; rate limits off, because these tests are about something else (rulings R2). */
export async function createInstallation(
  dialect: 'sqlite' | 'postgres',
  env: Record<string, string> = {},
): Promise<Installation> {
  const place = await createTestPlace(dialect)
  const secret = (): string => randomBytes(32).toString('base64')
  return {
    place,
    env: {
      DATABASE_URL: place.url,
      JWT_SECRET: `k1:${secret()}`,
      IC_TOKEN_SECRET: `k1:${secret()}`,
      IRON_MASTER_KEYS: `m1:${secret()}`,
      IRON_ADMIN_EMAIL: ADMIN.email,
      IRON_ADMIN_PASSWORD: ADMIN.password,
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'info',
      ...Object.fromEntries(CLASSES.map((name) => [`IRON_RATE_LIMIT_${name}`, 'off'])),
      ...env,
    },
    [Symbol.asyncDispose]: () => place.remove(),
  }
}

/** A server process that listens. */
export interface ServerProcess extends AsyncDisposable {
  readonly address: string
  readonly process: StartedProcess
}

export interface ServerOptions {
  /** More options for Node. */
  readonly node?: readonly string[]
  /** Default `cheap`: most tests are about something else. */
  readonly passwords?: 'cheap' | 'real'
}

/** Starts the server from its sources and waits until it listens. */
export async function startServer(installation: Installation, options: ServerOptions = {}): Promise<ServerProcess> {
  const { node = [], passwords = 'cheap' } = options
  const program = passwords === 'real' ? [mainProgram, 'serve'] : [serveProgram]
  const started = await startProcess(process.execPath, ['--conditions=@iron/source', ...node, ...program], {
    ready: /^iron control-api listening on (http:\/\/\S+)$/m,
    env: { ...installation.env, NODE_OPTIONS: undefined },
    cwd: app,
  })
  return {
    address: started.ready[1] as string,
    process: started,
    [Symbol.asyncDispose]: async () => {
      await started.stop()
    },
  }
}

/** An agent and what its runtime and its admin call with. */
export interface TestAgent {
  readonly agentId: string
  readonly providerId: string
  readonly icToken: string
  readonly admin: Record<string, string>
  readonly runtime: Record<string, string>
}

/** Logs in, and makes a provider with a key and an agent with an allocation. */
export async function createAgent(
  client: HttpClient,
  options: { readonly allocatedUsd: number; readonly apiKey?: string; readonly providerName?: string },
): Promise<TestAgent> {
  const login = expectStatus(await client.post('/auth/login', ADMIN), 200)
  const admin = { Authorization: `Bearer ${String(login.body.access_token)}` }
  const provider = expectStatus(
    await client.post(
      '/providers',
      {
        name: options.providerName ?? `openai-${randomBytes(4).toString('hex')}`,
        kind: 'openai',
        base_url: 'https://api.openai.com/v1',
        models: ['gpt-4o'],
      },
      admin,
    ),
    201,
  )
  const providerId = String(provider.body.id)
  expectStatus(
    await client.post(
      `/providers/${providerId}/keys`,
      { api_key: options.apiKey ?? 'sk-test-0123456789abcdef' },
      admin,
    ),
    201,
  )
  const body = { name: 'test-agent', provider_ids: [providerId], allocated_usd: options.allocatedUsd }
  const agent = expectStatus(await client.post('/agents', body, admin), 201)
  const icToken = String(agent.body.ic_token.token)
  return { agentId: String(agent.body.id), providerId, icToken, admin, runtime: { 'X-IC-Token': icToken } }
}

/** The answer, or an error that shows it. */
export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status === status) return answer
  throw new Error(`expected ${String(status)}, got ${String(answer.status)}: ${JSON.stringify(answer.body)}`)
}
