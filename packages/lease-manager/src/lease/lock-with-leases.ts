/** How a message on one lease begins: its agent is locked, then the lease and those that time has ended are read. */
import { allDone, type WriteTx } from '@iron/database'
import { holdsBudget, type LockedBudget, lockBudget } from '../budget/budget-row.ts'
import type { LeaseContext } from './context.ts'
import { overdueBounds } from './decide-overdue.ts'
import { type DueLeases, readDueLeases } from './find-leases.ts'

/** An agent that nobody else can change, and leases of it. */
export interface LockedLeases {
  readonly budget: LockedBudget
  readonly read: DueLeases
}

/**
 * Locks an agent and reads the named lease and the due ones. `undefined`: the agent has no budget.
 *
 * Before the lock, leases could be as they no longer are once it is held. In a group of messages, which has locked its agents,
 * budget and leases are asked for together: a round trip less on PostgreSQL.
 */
export async function lockWithLeases(
  tx: WriteTx,
  { clock, times }: Pick<LeaseContext, 'clock' | 'times'>,
  agentId: string,
  leaseId: string,
): Promise<LockedLeases | undefined> {
  if (holdsBudget(tx, agentId)) {
    const now = clock.now()
    const locking = lockBudget(tx, agentId, { now: () => now })
    const reading = readDueLeases(tx, agentId, leaseId, overdueBounds(now, times))
    await allDone([locking, reading])
    const budget = await locking
    if (budget?.now === now) return { budget, read: await reading }
    // After the clock has stepped back, the agent's present is another one (MON-21), and so is what is due.
  }
  const budget = await lockBudget(tx, agentId, clock)
  if (budget === undefined) return undefined
  return { budget, read: await readDueLeases(tx, agentId, leaseId, overdueBounds(budget.now, times)) }
}
