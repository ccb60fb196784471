/** Gives an agent a budget: the only way one comes into being (MON-27). */
import { type Microdollars, ZERO } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import { type ActorRef } from '@iron/journal'
import { actorId, type Books } from '../books.ts'
import { LeaseError } from '../errors.ts'
import { post } from '../ledger/post.ts'
import { CHAIN_START } from '../ledger/row-hash.ts'
import { type LockedBudget, ownerLock } from './budget-row.ts'

/** Whose first allocation it is when nobody is named: a program using this package on its own. */
const NOBODY = 'system:create'

/** Audits nothing and tells nobody: the operation that creates the agent does. @throws {LeaseError} BUDGET_EXISTS */
export async function createBudget(
  tx: WriteTx,
  books: Books,
  agentId: string,
  allocated: Microdollars,
  options: { readonly ownerId?: string | undefined; readonly actor?: ActorRef | undefined },
): Promise<LockedBudget> {
  const ownerId = options.ownerId ?? null
  if (ownerId !== null) await tx.lock(ownerLock(ownerId), { shared: true })
  const now = books.clock.now()
  const row = { agent_id: agentId, owner_id: ownerId, archived_at: null, created_at: now, updated_at: now }
  const inserted = await tx.sql
    .insertInto('agent_budgets')
    .values({ ...row, ledger_hash: CHAIN_START })
    .onConflict((conflict) => conflict.column('agent_id').doNothing())
    .executeTakeFirst()
  if (inserted.numInsertedOrUpdatedRows !== 1n) throw new LeaseError('BUDGET_EXISTS', 'the agent has a budget already')
  const named = await tx.sql
    .selectFrom('agent_owner')
    .select('agent_name')
    .where('agent_id', '=', agentId)
    .executeTakeFirst()
  const empty: LockedBudget = {
    agentId,
    agentName: named?.agent_name ?? null,
    ownerId,
    allocated: ZERO,
    reserved: ZERO,
    spent: ZERO,
    version: 0,
    seq: 0,
    hash: CHAIN_START,
    mark: 0,
    archivedAt: null,
    createdAt: now,
    updatedAt: now,
    now,
  }
  const actor = options.actor === undefined ? NOBODY : actorId(options.actor)
  return (await post(tx, empty, { type: 'allocate', amount: allocated, actorId: actor })).budget
}
