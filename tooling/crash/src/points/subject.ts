/** What an operation is tried on: an agent and a provider of its own each time, so that every trial begins alike. */
import { randomBytes } from 'node:crypto'
import type { Client } from '@iron/cluster'

export type Headers = Readonly<Record<string, string>>

export interface Subject {
  readonly admin: Headers
  /** The credential of the agent's runtime. */
  readonly runtime: Headers
  readonly agentId: string
  readonly providerId: string
  /** The newest event and audit entry before the trial. */
  readonly eventSeq: number
  readonly auditSeq: number
}

/** @param allocatedUsd default: far above what a trial spends, so that no threshold is crossed */
export async function createSubject(client: Client, admin: Headers, allocatedUsd = 1_000): Promise<Subject> {
  const provider = await client.must(
    'POST',
    '/providers',
    {
      name: `openai-${randomBytes(6).toString('hex')}`,
      kind: 'openai',
      base_url: 'https://api.openai.com/v1',
      models: ['gpt-4o'],
    },
    admin,
  )
  const providerId = String(provider['id'])
  await client.must('POST', `/providers/${providerId}/keys`, { api_key: 'sk-crash-0123456789' }, admin)
  const agent = await client.must(
    'POST',
    '/agents',
    { name: 'subject', provider_ids: [providerId], allocated_usd: allocatedUsd },
    admin,
  )
  const { token } = agent['ic_token'] as { readonly token: string }
  const { next_cursor: eventSeq } = await client.must('GET', '/events?after=latest', undefined, admin)
  const { data } = await client.must('GET', '/audit?limit=1', undefined, admin)
  const [newest] = data as readonly { readonly seq: number }[]
  return {
    admin,
    runtime: { 'X-IC-Token': token },
    agentId: String(agent['id']),
    providerId,
    eventSeq: Number(eventSeq),
    auditSeq: newest?.seq ?? 0,
  }
}
