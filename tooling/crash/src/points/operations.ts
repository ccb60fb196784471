/** The operations that are killed, each as one request that may be repeated as it is. */
import type { Client } from '@iron/cluster'
import type { Headers, Subject } from './subject.ts'

export interface Request {
  readonly method: string
  readonly path: string
  readonly body?: object | undefined
  readonly headers: Headers
}

/** Makes what the operation needs and tells its request. */
export type Operation = (client: Client, subject: Subject) => Promise<Request>

const KEY = { 'Idempotency-Key': 'one-call' }

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  handshake: async (_, { runtime }) => post('/budget/handshake', { requested_usd: 5 }, { ...runtime, ...KEY }),
  report: async (client, subject) => post('/budget/report', report(await lease(client, subject), 1), subject.runtime),
  'batch of 3 reports': async (client, subject) => {
    const leaseId = await lease(client, subject)
    return post('/budget/report/batch', { reports: [1, 2, 3].map((each) => report(leaseId, each)) }, subject.runtime)
  },
  refresh: async (client, subject) => {
    const body = { lease_id: await lease(client, subject), requested_usd: 7 }
    return post('/budget/refresh', body, { ...subject.runtime, ...KEY })
  },
  return: async (client, subject) => {
    // More than was reported: the difference is booked as well.
    const leaseId = await lease(client, subject)
    await client.must('POST', '/budget/report', report(leaseId, 1), subject.runtime)
    return post('/budget/return', { lease_id: leaseId, spent_usd: 2 }, subject.runtime)
  },
  'approval of a budget request': async (client, { admin, agentId }) => {
    const wanted = { agent_id: agentId, requested_allocated_usd: 2_000, justification: 'more calls than were foreseen' }
    const { id } = await client.must('POST', '/budget-requests', wanted, admin)
    return { method: 'PUT', path: `/budget-requests/${String(id)}/approve`, body: {}, headers: admin }
  },
  'lower allocation': async (client, subject) => {
    await lease(client, subject)
    const body = { allocated_usd: 5, force: true }
    return { method: 'PUT', path: `/agents/${subject.agentId}/budget`, body, headers: subject.admin }
  },
  'stop of an agent': async (client, subject) => {
    await lease(client, subject)
    return post(`/agents/${subject.agentId}/stop`, {}, subject.admin)
  },
  'rotation of a provider key': async (_, { admin, providerId }) =>
    post(`/providers/${providerId}/keys/rotate`, { api_key: 'sk-crash-9876543210' }, { ...admin, ...KEY }),
  'regeneration of an IC token': async (client, subject) => {
    await lease(client, subject)
    return post(`/agents/${subject.agentId}/ic-token/regenerate`, {}, { ...subject.admin, ...KEY })
  },
}

const post = (path: string, body: object, headers: Headers): Request => ({ method: 'POST', path, body, headers })

async function lease(client: Client, { runtime }: Subject): Promise<string> {
  return String((await client.must('POST', '/budget/handshake', { requested_usd: 10 }, runtime))['lease_id'])
}

function report(leaseId: string, call: number): object {
  return { lease_id: leaseId, request_id: `call-${call}`, model: 'gpt-4o', cost_usd: call / 10 }
}
