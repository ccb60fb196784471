/** All that an operation may leave behind, counted through the API: so the same on both engines. */
import type { Client } from '@iron/cluster'
import type { Subject } from './subject.ts'

/** Numbers by name. What is not named is 0. */
export type Footprint = Readonly<Record<string, number>>

type Row = Readonly<Record<string, unknown>>

/** Rows of one list; a subject has far fewer. */
const ROWS_MAX = 1_000

export async function footprintOf(client: Client, subject: Subject): Promise<Footprint> {
  const { admin, agentId, providerId } = subject
  const read = async (path: string): Promise<Row> => client.must('GET', path, undefined, admin)
  const rows = async (path: string): Promise<readonly Row[]> => (await read(path))['data'] as readonly Row[]
  const counts = new Map<string, number>()
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)

  const budget = await read(`/agents/${agentId}/budget`)
  for (const name of ['allocated_usd', 'spent_usd', 'reserved_usd', 'allocation_version'])
    counts.set(name, Math.round(Number(budget[name]) * 1e6))
  for (const row of await rows(`/agents/${agentId}/ledger?limit=${ROWS_MAX}`)) count(`ledger ${String(row['type'])}`)
  for (const row of await rows(`/agents/${agentId}/leases?limit=${ROWS_MAX}`)) count(`lease ${String(row['status'])}`)
  for (const row of await rows(`/requests?agent_id=${agentId}&limit=${ROWS_MAX}`))
    count(`request ${String(row['outcome'])}`)
  for (const row of await rows(`/budget-requests?agent_id=${agentId}`)) count(`budget request ${String(row['status'])}`)
  for (const row of await rows(`/providers/${providerId}/keys`)) count(`key ${String(row['status'])}`)
  for (const row of await rows(`/events?agent_id=${agentId}&after=${subject.eventSeq}&limit=${ROWS_MAX}`))
    count(`event ${String(row['type'])}`)
  for (const row of await rows(`/audit?limit=${ROWS_MAX}`))
    if (Number(row['seq']) > subject.auditSeq) count(`audit ${String(row['operation'])}`)
  return Object.fromEntries(counts)
}

/** What came to be between two looks. */
export function difference(before: Footprint, after: Footprint): Footprint {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  const changes = names.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)] as const)
  return Object.fromEntries(changes.filter(([, change]) => change !== 0))
}

export function isSame(one: Footprint, other: Footprint): boolean {
  return Object.keys(difference(one, other)).length === 0
}
