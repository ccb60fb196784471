/** Agents with an allocation each, and what their runtimes call with. */
import { randomBytes } from 'node:crypto'
import type { Client } from './client.ts'
import { ADMIN } from './installation.ts'

type Headers = Readonly<Record<string, string>>

export interface Agent {
  readonly id: string
  /** The credential of its runtimes. */
  readonly runtime: Headers
}

export interface Population {
  readonly admin: Headers
  readonly providerId: string
  readonly agents: readonly Agent[]
}

/** Agents that are made at the same time. */
const AT_ONCE = 10

export async function createPopulation(client: Client, count: number, allocatedUsd: number): Promise<Population> {
  const admin = await logIn(client)
  const name = `openai-${randomBytes(4).toString('hex')}`
  const catalogue = { name, kind: 'openai', base_url: 'https://api.openai.com/v1', models: ['gpt-4o'] }
  const provider = await client.must('POST', '/providers', catalogue, admin)
  const providerId = String(provider['id'])
  await client.must('POST', `/providers/${providerId}/keys`, { api_key: 'sk-cluster-0123456789' }, admin)
  const agents: Agent[] = []
  let left = count
  const make = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      agents.push(await createAgent(client, admin, providerId, allocatedUsd))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, make))
  return { admin, providerId, agents }
}

export async function createAgent(
  client: Client,
  admin: Headers,
  providerId: string,
  allocatedUsd: number,
): Promise<Agent> {
  const body = { name: 'agent', provider_ids: [providerId], allocated_usd: allocatedUsd }
  const agent = await client.must('POST', '/agents', body, admin)
  const { token } = agent['ic_token'] as { readonly token: string }
  return { id: String(agent['id']), runtime: { 'X-IC-Token': token } }
}

export async function logIn(client: Client): Promise<Headers> {
  const { access_token: token } = await client.must('POST', '/auth/login', ADMIN)
  return { Authorization: `Bearer ${String(token)}` }
}
