/** Every acknowledged report is booked exactly once and in full, an unanswered one once or not at all, and nothing else is. */
import { attemptsOf, callsOf, isDone, sum } from '../calls.ts'
import type { FinalAgent, History } from '../history.ts'

export function* reportRule(history: History): Generator<string> {
  for (const agent of history.agents) yield* reportsOf(history, agent)
}

function* reportsOf(history: History, agent: FinalAgent): Generator<string> {
  const rows = agent.ledger.filter(({ type, requestId }) => requestId !== null && /^(spend|overrun)$/.test(type))
  const booked = Map.groupBy(rows, ({ requestId }) => String(requestId))
  const logged = Map.groupBy(agent.requests, (id) => id)
  const reports = attemptsOf(callsOf(history, agent, 'report'))
  for (const report of reports) {
    const { requestId, cost } = report.first.intention
    const parts = booked.get(requestId) ?? []
    const total = sum(parts.map(({ amount }) => amount))
    const isThere = logged.has(requestId)
    if (report.isDone && !isThere) yield `${requestId} was acknowledged and is lost`
    if (!report.mayBeDone && isThere) yield `${requestId} was refused and is there`
    if (isThere && total !== cost) yield `${requestId} cost ${cost}, booked ${total}`
    if (!isThere && total !== 0) yield `${requestId} is in the ledger and not in the request log`
    if ((logged.get(requestId)?.length ?? 0) > 1) yield `${requestId} is in the request log more than once`
    // One `spend` and one `overrun` at most: a cost that crosses the hold is two rows.
    if (new Set(parts.map(({ type }) => type)).size < parts.length) yield `${requestId} was booked more than once`
    const firsts = report.calls.filter(isDone).filter(({ outcome }) => outcome.told.duplicate === false)
    if (firsts.length > 1) yield `${requestId} was acknowledged as new ${firsts.length} times`
  }
  const known = new Set(reports.map(({ first }) => first.intention.requestId))
  for (const requestId of new Set([...booked.keys(), ...logged.keys()]))
    if (!known.has(requestId)) yield `${requestId} was never reported and is there`
}
