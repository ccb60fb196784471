/** Each lease and each billed call has its events, once. */
import type { EventRow, FinalAgent, History } from '../history.ts'

export function* eventRule({ agents, events }: History): Generator<string> {
  const byAgent = Map.groupBy(events, ({ agentId }) => agentId)
  for (const agent of agents) yield* eventsOf(agent, byAgent.get(agent.agentId) ?? [])
}

function* eventsOf(agent: FinalAgent, events: readonly EventRow[]): Generator<string> {
  const times = (type: string, id: 'leaseId' | 'requestId'): Map<string, number> => {
    const of = events.filter((event) => event.type === type)
    return new Map([...Map.groupBy(of, (event) => String(event[id]))].map(([key, list]) => [key, list.length]))
  }
  const granted = times('lease.granted', 'leaseId')
  const closed = times('lease.closed', 'leaseId')
  for (const { id, status } of agent.leases) {
    yield* must(`lease.granted of ${id}`, granted.get(id), 1)
    yield* must(`lease.closed of ${id}, which is ${status}`, closed.get(id), status === 'active' ? 0 : 1)
  }
  const completed = times('request.completed', 'requestId')
  for (const id of agent.requests) yield* must(`request.completed of ${id}`, completed.get(id), 1)
  if (completed.size !== agent.requests.length)
    yield `${agent.agentId}: ${completed.size} calls have events, ${agent.requests.length} are there`
}

function* must(what: string, found = 0, expected: number): Generator<string> {
  if (found !== expected) yield `${what}: ${found} times instead of ${expected}`
}
