/** Ends leases before their time: one by an operator, or all of an agent (budget protocol 6). */
import { type Microdollars, ZERO } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { plus } from '../amount.ts'
import { type LockedBudget, lockBudget, lockLiveBudget } from '../budget/budget-row.ts'
import { LeaseError } from '../errors.ts'
import { announceClosed } from './announce.ts'
import type { LeaseContext } from './context.ts'
import { endOverdueLeases, revokeLeases, type Revocation } from './end-lease.ts'
import { leaseNotActive, leaseNotFound } from './grant.ts'
import { isOpen, type Lease, publicLease, type RevokeCause } from './lease.ts'
import { agentOfLease, readActiveLeases } from './find-leases.ts'

export async function revokeLease(
  tx: WriteTx,
  context: LeaseContext,
  leaseId: string,
  actor: ActorRef,
  options: { readonly agentId?: string | undefined; readonly reason?: string | undefined },
): Promise<Lease> {
  const agentId = options.agentId ?? (await agentOfLease(tx, leaseId))
  const locked = agentId === undefined ? undefined : await lockBudget(tx, agentId, context.clock)
  if (agentId === undefined || locked === undefined) throw leaseNotFound()
  const { active, named } = await readActiveLeases(tx, agentId, leaseId)
  const swept = await endOverdueLeases(tx, context, locked, active)
  const lease = swept.leases.find(({ id }) => id === leaseId) ?? named
  if (lease === undefined) throw leaseNotFound()
  if (locked.archivedAt !== null) throw new LeaseError('AGENT_ARCHIVED', 'the agent is archived')
  if (!isOpen(lease)) throw leaseNotActive(lease)
  const { revoked } = await revokeLeases(tx, context, swept.budget, [lease], {
    actor,
    cause: 'operator',
    reason: options.reason,
  })
  for (const ended of revoked) announceClosed(tx, context, ended, 'operator')
  return publicLease(revoked[0] ?? lease, locked.now)
}

/** What {@link revokeAllLeases} ended. */
export interface RevokedLeases {
  readonly leases: readonly string[]
  readonly released: Microdollars
}

export async function revokeAllLeases(
  tx: WriteTx,
  context: LeaseContext,
  agentId: string,
  actor: ActorRef,
  cause: RevokeCause,
): Promise<RevokedLeases> {
  const locked = await lockLiveBudget(tx, agentId, context.clock)
  const { active } = await readActiveLeases(tx, agentId)
  const swept = await endOverdueLeases(tx, context, locked, active)
  return announced(tx, context, swept.budget, swept.leases.filter(isOpen), { actor, cause })
}

async function announced(
  tx: WriteTx,
  context: LeaseContext,
  budget: LockedBudget,
  open: Parameters<typeof revokeLeases>[3],
  revocation: Revocation,
): Promise<RevokedLeases> {
  const { revoked } = await revokeLeases(tx, context, budget, open, revocation)
  for (const ended of revoked) announceClosed(tx, context, ended, revocation.cause)
  const released = revoked.reduce((sum, lease) => plus(sum, lease.released), ZERO)
  return Object.freeze({ leases: Object.freeze(revoked.map(({ id }) => id)), released })
}
