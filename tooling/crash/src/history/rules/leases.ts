/** Every acknowledged grant is one lease, a repeated call the same one, and no lease is there that nobody can have been granted. */
import { attemptsOf, callsOf, isDone } from '../calls.ts'
import type { FinalAgent, History } from '../history.ts'

export function* leaseRule(history: History): Generator<string> {
  for (const agent of history.agents) yield* leasesOf(history, agent)
}

function* leasesOf(history: History, agent: FinalAgent): Generator<string> {
  const leases = new Map(agent.leases.map((lease) => [lease.id, lease]))
  const holders = new Map<string, string>()
  let unanswered = 0
  for (const { key, calls, first, isDone: isGranted, mayBeDone } of attemptsOf(callsOf(history, agent, 'grant'))) {
    if (!isGranted && mayBeDone) unanswered += 1
    const { replaces } = first.intention
    for (const { outcome } of calls.filter(isDone)) {
      const { leaseId = '', granted } = outcome.told
      const lease = leases.get(leaseId)
      if (lease === undefined) yield `lease ${leaseId} was acknowledged and is lost`
      else if (lease.granted !== granted) yield `lease ${leaseId} was granted ${granted}, there are ${lease.granted}`
      else if (lease.supersedes !== (replaces ?? null)) yield `lease ${leaseId} replaces ${lease.supersedes}`
      // A lease that is refreshed twice has one successor, whatever the keys of the calls.
      const holder = replaces ?? key
      if ((holders.get(leaseId) ?? holder) !== holder) yield `lease ${leaseId} was granted for two calls`
      holders.set(leaseId, holder)
    }
    const ids = new Set(calls.filter(isDone).map(({ outcome }) => outcome.told.leaseId))
    if (ids.size > 1) yield `grant ${key} led to ${ids.size} leases`
  }
  const unclaimed = agent.leases.filter(({ id }) => !holders.has(id))
  if (unclaimed.length > unanswered)
    yield `${unclaimed.length} leases that nobody was told of, ${unanswered} grants without an answer`
  const successors = Map.groupBy(agent.leases, ({ supersedes }) => supersedes)
  for (const [id, list] of successors)
    if (id !== null && list.length > 1) yield `lease ${id} has ${list.length} successors`
}
