/**
 * What an agent's runtime needs around it: a control plane on a database of its own, a provider that costs nothing, and an
 * agent with a budget. The control plane can be taken away and comes back at the same address with the same books.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ADMIN, installationSettings, RATE_LIMITS_OFF, type Server, startServer } from '@iron/cluster'
import { type FakeLlm, MODEL, startFakeLlm } from './fake-llm.ts'

/** What the agent may spend, in US dollars. */
const ALLOCATED_USD = 1

/** The agent's money, in US dollars. */
export interface Balance {
  readonly allocated_usd: number
  readonly spent_usd: number
  readonly reserved_usd: number
}

export interface Stage extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly address: string
  /** The environment of the control plane: who has it may run `iron` commands on its database. */
  readonly settings: Readonly<Record<string, string>>
  readonly adminLogin: { readonly email: string; readonly password: string }
  /** An empty folder that goes with the stage. */
  readonly folder: string
  readonly llm: FakeLlm
  readonly agentId: string
  readonly icToken: string
  /** Kills the control plane without a warning. */
  takeAway(): Promise<void>
  bringBack(): Promise<void>
  balance(): Promise<Balance>
  /** One call as the admin. @throws Error with the answer when it is not 2xx */
  admin<Body>(method: string, route: string, body?: unknown): Promise<Body>
}

export async function openStage(): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(tmpdir(), 'iron-stage-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const llm = opened.use(await startFakeLlm(`sk-stage-${randomBytes(12).toString('hex')}`))
  const settings = installationSettings(`sqlite:${path.join(folder, 'iron.db')}`, RATE_LIMITS_OFF)
  let server: Server = await startServer('sources', settings)
  opened.defer(() => server[Symbol.asyncDispose]())
  const { address, port } = server

  const call = async <Body>(method: string, route: string, body: unknown, token?: string): Promise<Body> => {
    const headers = {
      'Content-Type': 'application/json',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    }
    const answer = await fetch(`${address}/api/v1${route}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as Body
  }
  const { access_token: token } = await call<{ access_token: string }>('POST', '/auth/login', ADMIN)
  const admin = <Body>(method: string, route: string, body?: unknown): Promise<Body> =>
    call<Body>(method, route, body, token)

  const provider = { name: 'fake-llm', kind: 'openai', base_url: llm.baseUrl, models: [MODEL] }
  const { id: providerId } = await admin<{ id: string }>('POST', '/providers', provider)
  await admin('POST', `/providers/${providerId}/keys`, { api_key: llm.apiKey })
  const agent = await admin<{ id: string; ic_token: { token: string } }>('POST', '/agents', {
    name: 'research-bot',
    provider_ids: [providerId],
    allocated_usd: ALLOCATED_USD,
  })
  const closing = opened.move()
  return {
    address,
    settings,
    adminLogin: ADMIN,
    folder,
    llm,
    agentId: agent.id,
    icToken: agent.ic_token.token,
    takeAway: async () => {
      await server.process.stop('SIGKILL')
    },
    bringBack: async () => {
      server = await startServer('sources', { ...settings, PORT: String(port) })
    },
    balance: async () => {
      const { data } = await admin<{ data: Balance[] }>('GET', `/budget?agent_id=${agent.id}`)
      const [balance] = data
      if (balance === undefined) throw new Error('the agent has no budget')
      return balance
    },
    admin,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}
