/** After an acknowledged end nothing goes on: of a token, of a lease, of an agent that was told to stop. */
import { attemptsOf, callsOf, certainFrom, isDone } from '../calls.ts'
import type { Call, FinalAgent, History } from '../history.ts'

export function* revocationRule(history: History): Generator<string> {
  for (const agent of history.agents) {
    yield* tokensOf(history, agent)
    yield* stopsOf(history, agent)
    yield* endsOf(history, agent)
  }
}

/** Each acknowledged regeneration makes the tokens before it void. */
function* tokensOf(history: History, agent: FinalAgent): Generator<string> {
  const attempts = attemptsOf(callsOf(history, agent, 'regenerate'))
  const done = attempts.filter((each) => each.isDone)
  const possible = attempts.filter(({ mayBeDone }) => mayBeDone)
  if (agent.regenerations < done.length || agent.regenerations > possible.length)
    yield `${agent.agentId}: ${agent.regenerations} new tokens, ${done.length} acknowledged of ${possible.length}`
  for (const regeneration of done) {
    const voidFrom = certainFrom(regeneration)
    for (const call of history.calls) {
      if (call.agentId !== agent.agentId || call.token === undefined || !isDone(call)) continue
      // Whoever held a newer token had it from an answer, so from a call that had begun before.
      if (
        call.startedAt > voidFrom &&
        isOlder(
          call,
          regeneration.first,
          done.map(({ first }) => first),
        )
      )
        yield `${call.intention.kind} ${call.key} was served with a token that ${regeneration.key} had replaced`
    }
  }
}

/** Tokens are counted by acknowledged regenerations, in their order. */
function isOlder(call: Call, regeneration: Call, regenerations: readonly Call[]): boolean {
  const number = regenerations.filter(({ startedAt }) => startedAt <= regeneration.startedAt).length
  return Number(call.token) < number
}

function* stopsOf(history: History, agent: FinalAgent): Generator<string> {
  const resumes = callsOf(history, agent, 'resume')
  const grants = callsOf(history, agent, 'grant').filter(isDone)
  for (const stop of attemptsOf(callsOf(history, agent, 'stop')).filter((each) => each.isDone)) {
    const from = certainFrom(stop)
    const until = Math.min(
      ...resumes.map(({ startedAt }) => startedAt).filter((at) => at > stop.first.startedAt),
      Infinity,
    )
    for (const { key, startedAt, endedAt } of grants)
      if (startedAt > from && endedAt < until) yield `grant ${key} while the agent was stopped`
  }
}

/** A lease that was returned or revoked is not refreshed. */
function* endsOf(history: History, agent: FinalAgent): Generator<string> {
  const ends = attemptsOf(callsOf(history, agent, 'return', 'revoke')).filter((each) => each.isDone)
  const endOf = new Map(ends.map((end) => [end.first.intention.leaseId, certainFrom(end)]))
  const successors = new Set(agent.leases.map(({ supersedes }) => supersedes))
  for (const { key, startedAt, outcome, intention } of callsOf(history, agent, 'grant').filter(isDone)) {
    if (intention.replaces === undefined || outcome.told.duplicate === true) continue
    if (startedAt > (endOf.get(intention.replaces) ?? Infinity))
      yield `grant ${key} replaced lease ${intention.replaces}, which had ended`
  }
  for (const { id, status } of agent.leases) {
    if (status === 'active' && endOf.has(id)) yield `lease ${id} was ended and is active`
    if ((status === 'superseded') !== successors.has(id)) yield `lease ${id} is ${status} with another successor`
  }
}
