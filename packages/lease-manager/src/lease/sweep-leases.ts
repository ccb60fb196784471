/**
 * Finds leases whose time is over and ends them, one agent and one transaction after the other (budget protocol 11.1). Two
 * sweepers at once do no harm: each re-reads under the agent's lock and counts only what it ended itself (CON-25).
 */
import { DatabaseError, type IronDatabase, prepare } from '@iron/database'
import { lockBudget } from '../budget/budget-row.ts'
import type { LeaseContext } from './context.ts'
import { overdueBounds } from './decide-overdue.ts'
import { endOverdueLeases } from './end-lease.ts'
import { readDueLeases } from './find-leases.ts'

/** Leases looked at in one pass (budget protocol 2). */
export const SWEEP_BATCH = 500
/** Passes in which leases that cannot be ended are left behind; more of them than this many batches keep others waiting. */
const PASSES_MAX = 10

const dueAgents = prepare<
  { lapsedUpTo: number; cutAbove: number; limit: number; offset: number },
  { agent_id: string }
>((db, p) =>
  db
    .selectFrom('leases')
    .select('agent_id')
    .where('status', '=', 'active')
    .where((eb) => eb.or([eb('expires_at', '<=', p('lapsedUpTo')), eb('expires_at', '>', p('cutAbove'))]))
    .orderBy('expires_at')
    .limit(p('limit') as never)
    .offset(p('offset') as never),
)

/**
 * Resolves to how many leases were ended or had their deadline cut. An agent whose books are damaged keeps no other agent's leases
 * open: it is passed over.
 *
 * @throws AggregateError when everything else is done: what went wrong, one error an agent; {DatabaseError} at once
 */
export async function sweepLeases(db: IronDatabase, context: LeaseContext, limit: number): Promise<number> {
  const bounds = overdueBounds(context.clock.now(), context.times)
  const failures = new Map<string, unknown>()
  let swept = 0
  let offset = 0
  for (let pass = 1; pass <= PASSES_MAX; pass += 1) {
    const rows = await db.read((tx) => dueAgents.all(tx, { ...bounds, limit, offset }))
    const agents = [...new Set(rows.map((row) => row.agent_id))].sort((a, b) => (a < b ? -1 : 1))
    for (const agentId of agents) {
      try {
        swept += await sweepAgent(db, context, agentId)
      } catch (error) {
        if (error instanceof DatabaseError) throw error
        failures.set(agentId, error)
      }
    }
    const failed = rows.filter((row) => failures.has(row.agent_id)).length
    if (failed === 0) break
    // They stay due and stand before the others: the next pass begins behind them.
    offset += failed
  }
  if (failures.size > 0) {
    const agents = [...failures.keys()].join(', ')
    throw new AggregateError([...failures.values()], `overdue leases could not be ended, of ${agents}`)
  }
  return swept
}

function sweepAgent(db: IronDatabase, context: LeaseContext, agentId: string): Promise<number> {
  return db.write(async (tx) => {
    const budget = await lockBudget(tx, agentId, context.clock)
    if (budget === undefined) return 0
    const { due } = await readDueLeases(tx, agentId, '', overdueBounds(budget.now, context.times))
    const { ended, cut } = await endOverdueLeases(tx, context, budget, due)
    return ended + cut
  })
}
