/** Every acknowledged change of an allocation is one version, every decision about a budget request stands, and nothing else does. */
import { attemptsOf, callsOf, isDone } from '../calls.ts'
import type { FinalAgent, History, VersionRow } from '../history.ts'

export function* allocationRule(history: History): Generator<string> {
  for (const agent of history.agents) {
    yield* chainOf(agent)
    yield* changesOf(history, agent)
    yield* requestsOf(history, agent)
    yield* decisionsOf(history, agent)
  }
}

function* chainOf({ agentId, versions, balance }: FinalAgent): Generator<string> {
  let before = 0
  for (const [index, { version, previous, allocated }] of versions.entries()) {
    if (version !== index + 1) yield `${agentId}: version ${version} stands at place ${index + 1}`
    if (previous !== before)
      yield `${agentId}: version ${version} begins at ${previous}, the one before ends at ${before}`
    before = allocated
  }
  if (balance.allocated !== before) yield `${agentId}: ${balance.allocated} allocated, the last version says ${before}`
}

function* changesOf(history: History, agent: FinalAgent): Generator<string> {
  const changes = attemptsOf(callsOf(history, agent, 'allocate'))
  const versions = Map.groupBy(
    agent.versions.filter(({ budgetRequestId }) => budgetRequestId === null),
    ({ reason }) => String(reason),
  )
  for (const { key, calls, first, isDone: isChanged, mayBeDone } of changes) {
    const rows = versions.get(key) ?? []
    const hasChanged = calls.filter(isDone).some(({ outcome }) => outcome.told.change !== 0)
    const isNothing = isChanged && !hasChanged && !calls.some(({ outcome }) => outcome.kind === 'unknown')
    yield* once(`allocation ${key}`, rows, hasChanged, mayBeDone && !isNothing)
    for (const { allocated } of rows)
      if (allocated !== first.intention.allocated) yield `allocation ${key} set ${allocated}`
  }
  const known = new Set(changes.map(({ key }) => key))
  for (const { version, reason, budgetRequestId } of agent.versions.slice(1))
    if (budgetRequestId === null && !known.has(String(reason))) yield `nobody asked for version ${version}`
}

function* requestsOf(history: History, agent: FinalAgent): Generator<string> {
  const made = Map.groupBy(agent.budgetRequests, ({ key }) => key)
  for (const { key, isDone: isMade, mayBeDone } of attemptsOf(callsOf(history, agent, 'ask')))
    yield* once(`budget request ${key}`, made.get(key) ?? [], isMade, mayBeDone)
}

function* decisionsOf(history: History, agent: FinalAgent): Generator<string> {
  const decisions = attemptsOf(callsOf(history, agent, 'approve', 'reject'))
  const versions = Map.groupBy(agent.versions, ({ budgetRequestId }) => budgetRequestId)
  for (const { id, status } of agent.budgetRequests) {
    const about = decisions.filter(({ first }) => first.intention.budgetRequestId === id)
    const of = (kind: string): typeof about => about.filter(({ first }) => first.intention.kind === kind)
    yield* once(
      `approval of ${id}`,
      versions.get(id) ?? [],
      of('approve').some((each) => each.isDone),
      of('approve').some(({ mayBeDone }) => mayBeDone),
    )
    const decided = about.filter((each) => each.isDone).map(({ first }) => first.intention.kind)
    if (new Set(decided).size > 1) yield `${id} was approved and rejected`
    const expected = decided.includes('approve') ? 'approved' : decided.includes('reject') ? 'rejected' : status
    if (status !== expected) yield `${id} was ${expected} and is ${status}`
    if ((status === 'approved') !== (versions.get(id)?.length === 1)) yield `${id} is ${status} with another allocation`
  }
}

function* once(
  what: string,
  found: readonly (VersionRow | object)[],
  isDone: boolean,
  mayBeDone: boolean,
): Generator<string> {
  if (found.length > 1) yield `${what} was done ${found.length} times`
  if (isDone && found.length === 0) yield `${what} was acknowledged and is lost`
  if (!mayBeDone && found.length > 0) yield `${what} was refused and is there`
}
