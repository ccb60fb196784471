/**
 * At no grant was more lent and spent than allocated. Judged by what clients knew: certainly spent, plus the rest of the leases that
 * were certainly open, is never more than the largest allocation there can have been.
 */
import { attemptsOf, callsOf, certainFrom, isDone, overAt, sum } from '../calls.ts'
import type { FinalAgent, History, Intention } from '../history.ts'
import { PossibleAllocations } from '../possible-allocations.ts'

export function* overGrantRule(history: History): Generator<string> {
  for (const agent of history.agents) yield* overGrantsOf(history, agent)
}

interface Loan {
  readonly leaseId: string
  readonly granted: number
  readonly possibleFrom: number
  readonly certainFrom: number
  /** When somebody first may have ended it. */
  readonly openUntil: number
}

function* overGrantsOf(history: History, agent: FinalAgent): Generator<string> {
  const allocations = new PossibleAllocations(history, agent)
  const reports = attemptsOf(callsOf(history, agent, 'report'))
  const spent = reports.map((report) => ({
    ...report.first.intention,
    possibleFrom: report.mayBeDone ? report.first.startedAt : Infinity,
    certainFrom: certainFrom(report),
  }))
  const grants = callsOf(history, agent, 'grant').filter(isDone)
  const ends = endsOf(history, agent)
  const loans = grants.map(({ startedAt, endedAt, outcome: { told } }): Loan => {
    const leaseId = String(told.leaseId)
    const own = ends.filter((end) => end.overAt > startedAt && (end.leaseId ?? leaseId) === leaseId)
    const openUntil = Math.min(Infinity, ...own.map(({ possibleFrom }) => possibleFrom))
    return { leaseId, granted: Number(told.granted), possibleFrom: startedAt, certainFrom: endedAt, openUntil }
  })
  for (const { key, endedAt, outcome } of grants) {
    if (outcome.told.duplicate === true) continue
    // All of these were lent at once, at the latest when the last of them was: after it began, before this answer came.
    const open = loans.filter((loan) => loan.certainFrom <= endedAt && loan.openUntil > endedAt)
    const from = Math.max(...open.map((loan) => loan.possibleFrom))
    const distinct = new Map(open.map((loan) => [loan.leaseId, loan.granted]))
    const held = [...distinct].map(([leaseId, granted]) => {
      const drawn = spent.filter((report) => report.leaseId === leaseId && report.possibleFrom < endedAt)
      return Math.max(0, granted - sum(drawn.map(({ cost }) => cost)))
    })
    const settled = spent.filter((report) => report.certainFrom <= from)
    const used = sum(held) + sum(settled.map(({ cost }) => cost))
    const allocated = Math.max(...allocations.during(from, endedAt))
    if (used > allocated)
      yield `grant ${key} of ${outcome.told.leaseId}: ${used} lent and spent, ${allocated} allocated`
  }
}

/** What may have ended leases. They outlive a run: none lapses. */
interface End {
  /** Undefined: every lease of the agent. */
  readonly leaseId: string | undefined
  readonly possibleFrom: number
  readonly overAt: number
}

function endsOf(history: History, agent: FinalAgent): End[] {
  return attemptsOf(callsOf(history, agent, 'grant', 'return', 'revoke', 'stop', 'regenerate', 'allocate'))
    .filter(({ first: { intention }, mayBeDone }) => mayBeDone && canEndLeases(intention))
    .map((attempts) => ({
      leaseId: leaseOf(attempts.first.intention),
      possibleFrom: attempts.first.startedAt,
      overAt: overAt(attempts),
    }))
}

function canEndLeases(intention: Intention): boolean {
  if (intention.kind === 'grant') return intention.replaces !== undefined
  return intention.kind !== 'allocate' || intention.force
}

function leaseOf(intention: Intention): string | undefined {
  if (intention.kind === 'grant') return intention.replaces
  return intention.kind === 'return' || intention.kind === 'revoke' ? intention.leaseId : undefined
}
