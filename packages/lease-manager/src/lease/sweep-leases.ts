/**
 * Finds leases whose time is over and ends them, one agent and one transaction after the other (budget protocol 11.1). Two
 * sweepers at once do no harm: each re-reads under the agent's lock and counts only what it ended itself (CON-25).
 */
import { type IronDatabase, prepare } from '@iron/database'
import { lockBudget } from '../budget/budget-row.ts'
import type { LeaseContext } from './context.ts'
import { overdueBounds } from './decide-overdue.ts'
import { endOverdueLeases } from './end-lease.ts'
import { readDueLeases } from './lease-row.ts'

/** Leases looked at in one pass (budget protocol 2). */
export const SWEEP_BATCH = 500

const dueAgents = prepare<{ lapsedUpTo: number; cutAbove: number; limit: number }, { agent_id: string }>((db, p) =>
  db
    .selectFrom('leases')
    .select('agent_id')
    .where('status', '=', 'active')
    .where((eb) => eb.or([eb('expires_at', '<=', p('lapsedUpTo')), eb('expires_at', '>', p('cutAbove'))]))
    .orderBy('expires_at')
    .limit(p('limit') as never),
)

/** Resolves to how many leases were ended or had their deadline cut. */
export async function sweepLeases(db: IronDatabase, context: LeaseContext, limit: number): Promise<number> {
  const bounds = overdueBounds(context.clock.now(), context.times)
  const rows = await db.read((tx) => dueAgents.all(tx, { ...bounds, limit }))
  const agents = [...new Set(rows.map((row) => row.agent_id))].sort((a, b) => (a < b ? -1 : 1))
  let swept = 0
  for (const agentId of agents) {
    swept += await db.write(async (tx) => {
      const budget = await lockBudget(tx, agentId, context.clock)
      if (budget === undefined) return 0
      const { due } = await readDueLeases(tx, agentId, '', overdueBounds(budget.now, context.times))
      const { ended, cut } = await endOverdueLeases(tx, context, budget, due)
      return ended + cut
    })
  }
  return swept
}
