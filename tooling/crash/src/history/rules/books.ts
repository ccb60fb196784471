/** The balance of each agent and the figures of each lease, recomputed from the ledger's movements alone (budget-protocol 3.2, 13). */
import { sum } from '../calls.ts'
import type { FinalAgent, History, LedgerRow } from '../history.ts'

export function* bookRule({ agents }: History): Generator<string> {
  for (const agent of agents) {
    yield* movementsOf(agent)
    yield* loansOf(agent)
  }
}

function* movementsOf({ agentId, ledger, balance }: FinalAgent): Generator<string> {
  let [allocated, reserved, spent, overrun] = [0, 0, 0, 0]
  for (const [index, { seq, type, amount }] of ledger.entries()) {
    if (seq !== index + 1) yield `${agentId}: row ${seq} stands at place ${index + 1}`
    if (type === 'allocate') allocated += amount
    if (type === 'deallocate') allocated -= amount
    if (type === 'grant') reserved += amount
    if (type === 'release' || type === 'spend') reserved -= amount
    if (type === 'spend' || type === 'overrun') spent += amount
    if (type === 'overrun') overrun += amount
    if (type === 'adjust') spent -= amount
    const used = spent + reserved
    if (/^(grant|deallocate)$/.test(type) && used > allocated)
      yield `${agentId}: after row ${seq} ${used} are lent and spent of ${allocated}`
    if (used > allocated + overrun) yield `${agentId}: after row ${seq} an excess is no overrun`
  }
  const available = allocated - reserved - spent
  const expected = { allocated, spent, reserved, remaining: Math.max(0, available), overdrawn: Math.max(0, -available) }
  for (const name of ['allocated', 'spent', 'reserved', 'remaining', 'overdrawn'] as const)
    if (balance[name] !== expected[name])
      yield `${agentId}: ${name} is ${balance[name]}, the ledger says ${expected[name]}`
}

function* loansOf({ ledger, leases }: FinalAgent): Generator<string> {
  const rows = Map.groupBy(ledger, ({ leaseId }) => leaseId)
  const total = (list: readonly LedgerRow[], type: string): number =>
    sum(list.filter((row) => row.type === type).map(({ amount }) => amount))
  for (const { id, status, granted, spent, overrun, returned } of leases) {
    const list = rows.get(id) ?? []
    if (total(list, 'grant') !== granted) yield `lease ${id}: granted ${granted}, the ledger says otherwise`
    if (total(list, 'release') !== returned) yield `lease ${id}: returned ${returned}, the ledger says otherwise`
    if (total(list, 'spend') + total(list, 'overrun') !== spent + overrun)
      yield `lease ${id}: spent ${spent} and ${overrun}, the ledger says otherwise`
    if (status !== 'active' && total(list, 'spend') + returned !== granted)
      yield `lease ${id}: ${status} and holds something`
  }
}
