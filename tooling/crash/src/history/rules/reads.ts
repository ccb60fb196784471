/**
 * Whatever tells a balance tells a true one: it adds up, it is never older than one that was told before, it counts all that was
 * acknowledged before it was asked for, and nothing that had not begun when it came.
 */
import { attemptsOf, callsOf, certainFrom, isDone, sum } from '../calls.ts'
import type { Balance, FinalAgent, History } from '../history.ts'
import { PossibleAllocations } from '../possible-allocations.ts'

export function* readRule(history: History): Generator<string> {
  for (const agent of history.agents) {
    const reads = readsOf(history, agent)
    yield* sums(reads)
    yield* monotone(reads, 'spent')
    yield* monotone(reads, 'version')
    yield* current(history, agent, reads)
  }
}

interface Read {
  readonly from: number
  readonly to: number
  readonly key: string
  readonly balance: Balance
}

function readsOf({ calls }: History, agent: FinalAgent): Read[] {
  return calls
    .filter(({ agentId }) => agentId === agent.agentId)
    .filter(isDone)
    .flatMap(({ key, startedAt, endedAt, outcome: { told } }) =>
      told.balance === undefined ? [] : [{ from: startedAt, to: endedAt, key, balance: told.balance }],
    )
    .sort((a, b) => a.from - b.from)
}

function* sums(reads: readonly Read[]): Generator<string> {
  for (const { key, balance } of reads) {
    const { allocated, spent, reserved, remaining, overdrawn } = balance
    if (allocated !== spent + reserved + remaining - overdrawn)
      yield `${key}: ${JSON.stringify(balance)} does not add up`
    if (remaining > 0 && overdrawn > 0) yield `${key}: ${JSON.stringify(balance)} has a rest and is overdrawn`
  }
}

/** One that was asked for after another had come is not below it. Nobody credits anything here, so what is spent only grows. */
function* monotone(reads: readonly Read[], what: 'spent' | 'version'): Generator<string> {
  const told = reads.filter(({ balance }) => balance[what] !== undefined)
  const byEnd = told.toSorted((a, b) => a.to - b.to)
  let passed = 0
  let highest = 0
  for (const { key, from, balance } of told) {
    for (; (byEnd[passed]?.to ?? Infinity) < from; passed += 1)
      highest = Math.max(highest, byEnd[passed]?.balance[what] ?? 0)
    if ((balance[what] ?? 0) < highest) yield `${key}: ${what} ${balance[what]} after ${highest} had been told`
  }
}

function* current(history: History, agent: FinalAgent, reads: readonly Read[]): Generator<string> {
  const reports = attemptsOf(callsOf(history, agent, 'report')).map((report) => ({
    cost: report.first.intention.cost,
    certainFrom: certainFrom(report),
    possibleFrom: report.mayBeDone ? report.first.startedAt : Infinity,
  }))
  const allocations = new PossibleAllocations(history, agent)
  for (const { key, from, to, balance } of reads) {
    const least = sum(reports.filter((report) => report.certainFrom <= from).map(({ cost }) => cost))
    const most = sum(reports.filter((report) => report.possibleFrom < to).map(({ cost }) => cost))
    if (balance.spent < least || balance.spent > most)
      yield `${key}: spent ${balance.spent}, it must be ${least} to ${most}`
    const allocated = allocations.during(from, to)
    if (!allocated.includes(balance.allocated))
      yield `${key}: allocated ${balance.allocated}, it must be one of ${allocated.join(', ')}`
  }
}
