/** A server on an engine with people, agents and providers on it: for tests of what operators do and of what is left of it. */
import { randomBytes } from 'node:crypto'
import { createTestPlace, type ManualClock, manualClock } from '@iron/database/testing'
import type { Role } from '@iron/rbac'
import { generateSecrets } from '../../src/secrets.ts'
import type { Services } from '../../src/services.ts'
import type { ControlApiConfig } from '../../src/index.ts'
import type { SocketLimits } from '../../src/ws/limits.ts'
import { startApi } from './api.ts'
import type { Answer, HttpClient } from './http-client.ts'
import { ADMIN, expectStatus } from './server-process.ts'

type Headers = Record<string, string>

/** Somebody with a session. */
export interface Person {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly session: Headers
}

/** An agent as it was answered when it was made, and what its runtime calls with. */
export interface MadeAgent {
  readonly id: string
  readonly path: string
  readonly body: Answer['body']
  readonly runtime: Headers
}

/** An entry of the audit log, as far as tests look at it. */
export interface Audited {
  readonly operation: string
  readonly actor: { readonly type: string; readonly id: string; readonly role: string | null }
  readonly ip: string | null
  readonly request_id: string | null
  readonly changes: unknown
  readonly reason: string | null
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface Operators extends AsyncDisposable {
  readonly client: HttpClient
  readonly port: number
  readonly services: Services
  readonly clock: ManualClock
  readonly admin: Person
  /** The base64 secret that IC tokens are signed with, under `k1`. */
  readonly icTokenSecret: string
  newPerson(role?: Role): Promise<Person>
  /** With an active key. */
  newProvider(name?: string): Promise<string>
  newAgent(owner: Person, more?: Readonly<Record<string, unknown>>): Promise<MadeAgent>
  /** A lease of an agent, made by reserve. */
  newLease(agent: MadeAgent, usd: number): Promise<string>
  /** What was audited about a thing, oldest first. */
  audited(resourceId: string): Promise<Audited[]>
  operations(resourceId: string): Promise<string[]>
  /** The events of an agent, oldest first. */
  events(agentId: string): Promise<{ readonly type: string; readonly data: unknown }[]>
  /** The time `ms` from now, as it is sent. */
  at(ms?: number): string
}

const PASSWORD = 'correct horse battery'

/** How a test's server differs from the usual one. */
export interface OperatorsOptions {
  readonly config?: Partial<ControlApiConfig>
  readonly sockets?: Partial<SocketLimits>
}

export async function startOperators(
  dialect: 'sqlite' | 'postgres',
  { config, sockets = {} }: OperatorsOptions = {},
): Promise<Operators> {
  const clock = manualClock()
  const place = dialect === 'postgres' ? await createTestPlace(dialect) : { url: ':memory:', remove: async () => {} }
  const { JWT_SECRET: jwtSecret, IC_TOKEN_SECRET: icTokens, IRON_MASTER_KEYS: masterKeys } = generateSecrets('k1')
  const settings = { databaseUrl: place.url, jwtSecret, icTokenSecret: icTokens, masterKeys, ...config }
  const api = await startApi(settings, { clock, sockets })
  const { client, port } = api
  const services = await api.state.services()
  const sessionOf = async (email: string, password = PASSWORD): Promise<Answer['body']> => {
    const { body } = expectStatus(await client.post('/auth/login', { email, password }), 200)
    return { id: body.user.id, name: body.user.username, email, session: bearer(body.access_token as string) }
  }
  const admin = (await sessionOf(ADMIN.email, ADMIN.password)) as Person
  let made = 0
  const unique = (name: string): string => `${name}${(made += 1)}`
  const audited = async (resourceId: string): Promise<Audited[]> => {
    const path = `/audit?resource_id=${resourceId}&order=asc&limit=1000`
    return expectStatus(await client.get(path, admin.session), 200).body.data as Audited[]
  }
  return {
    client,
    port,
    services,
    clock,
    admin,
    icTokenSecret: icTokens.slice('k1:'.length),
    newPerson: async (role = 'user') => {
      const username = unique(role)
      const body = { username, email: `${username}@example.com`, password: PASSWORD, role }
      expectStatus(await client.post('/users', body, admin.session), 201)
      return (await sessionOf(body.email)) as Person
    },
    newProvider: async (name = unique('openai-')) => {
      const body = { name, kind: 'openai', base_url: 'https://api.openai.com/v1', models: ['gpt-4o'] }
      const { id } = expectStatus(await client.post('/providers', body, admin.session), 201).body as { id: string }
      const key = { api_key: `sk-${randomBytes(12).toString('hex')}` }
      expectStatus(await client.post(`/providers/${id}/keys`, key, admin.session), 201)
      return id
    },
    newAgent: async (owner, more = {}) => {
      const body = { name: unique('agent'), owner_id: owner.id, ...more }
      const answer = expectStatus(await client.post('/agents', body, admin.session), 201)
      const id = String(answer.body.id)
      const runtime = { 'X-IC-Token': String(answer.body.ic_token.token) }
      return { id, path: `/agents/${id}`, body: answer.body as unknown, runtime }
    },
    newLease: async (agent, usd) => {
      const answer = expectStatus(await client.post('/budget/reserve', { requested_usd: usd }, agent.runtime), 200)
      return String(answer.body.lease_id)
    },
    audited,
    operations: async (resourceId) => (await audited(resourceId)).map(({ operation }) => operation),
    events: async (agentId) => {
      const { data } = await services.events.read({ agentIds: [agentId] }, { limit: 1_000 })
      return data.map(({ type, data: about }) => ({ type, data: about }))
    },
    at: (ms = 0) => new Date(clock.now() + ms).toISOString(),
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]()
      await place.remove()
    },
  }
}

/** What a refusal says. */
export function refusal({ status, body }: Answer): readonly unknown[] {
  const { code, details } = body as { readonly code?: string; readonly details?: unknown }
  return details === undefined ? [status, code] : [status, code, details]
}

/** The names of the fields a 400 finds fault with, sorted. */
export function faults({ status, body }: Answer): readonly string[] {
  if (status !== 400) return [`status ${String(status)}`]
  return Object.keys((body as { details: { fields: object } }).details.fields).sort()
}

/** An id of nothing. */
export function missingId(prefix: string): string {
  return `${prefix}_00000000-0000-7000-8000-0000000000ff`
}

export function bearer(token: string): Headers {
  return { Authorization: `Bearer ${token}` }
}
