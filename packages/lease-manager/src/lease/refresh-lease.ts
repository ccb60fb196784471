/** Gives back what is left of a lease and lends the next slice under a new id, or changes nothing (budget protocol 4.6, MON-17). */
import type { Microdollars } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import { agentActor, ledgerActor } from '../books.ts'
import { lockBudget } from '../budget/budget-row.ts'
import { LeaseError } from '../errors.ts'
import { available } from '../ledger/movement.ts'
import { announceClosed, announceGranted, auditRefreshed } from './announce.ts'
import type { LeaseContext } from './context.ts'
import { endLease, endOverdueLeases } from './end-lease.ts'
import {
  type Grant,
  grantedAmount,
  grantLease,
  grantOf,
  type GrantOptions,
  leaseNotActive,
  leaseNotFound,
  requireSoundLedger,
} from './grant.ts'
import { holdOf, isOpen, type Lease, type LeaseState, publicLease } from './lease.ts'
import { agentOfLease, findLease, readActiveLeases } from './find-leases.ts'
import { findReplay } from './open-lease.ts'

/** A granted successor and the lease it supersedes. */
export interface Refreshed extends Grant {
  readonly previous: Lease
}

export async function refreshLease(
  tx: WriteTx,
  context: LeaseContext,
  leaseId: string,
  named: Microdollars | undefined,
  options: GrantOptions & { readonly agentId?: string | undefined },
): Promise<Refreshed> {
  const requested = named ?? context.rules.defaultGrant
  const agentId = options.agentId ?? (await agentOfLease(tx, leaseId))
  const locked = agentId === undefined ? undefined : await lockBudget(tx, agentId, context.clock, { exclusive: true })
  if (agentId === undefined || locked === undefined) throw leaseNotFound()
  if (locked.archivedAt !== null) throw new LeaseError('AGENT_ARCHIVED', 'the agent is archived')
  const { active, named: final } = await readActiveLeases(tx, agentId, leaseId)
  const swept = await endOverdueLeases(tx, context, locked, active)
  const previous = swept.leases.find(({ id }) => id === leaseId) ?? final
  if (previous === undefined) throw leaseNotFound()

  const open = swept.leases.filter(isOpen)
  const replayed =
    (await findReplay(tx, agentId, options.idempotencyKey, { requested, refreshOf: leaseId })) ??
    (await openSuccessor(tx, previous))
  if (replayed !== undefined) {
    const grant = grantOf(replayed, swept.budget, open.length, true)
    return Object.freeze({
      ...grant,
      previous: publicLease({ ...previous, supersededBy: replayed.id }, swept.budget.now),
    })
  }
  if (!isOpen(previous)) throw leaseNotActive(previous)
  await requireSoundLedger(tx, swept.budget, open)
  const granted = grantedAmount(
    {
      requested,
      available: available(swept.budget),
      ownHold: holdOf(previous),
      otherLeases: open.length - 1,
      maxOpen: context.rules.maxOpenPerAgent,
      room: options.room,
    },
    swept.budget,
    named,
  )
  const actor = options.actor ?? agentActor(agentId)
  const ended = await endLease(tx, swept.budget, previous, { closeReason: 'superseded', actorId: ledgerActor(actor) })
  const { providerId, runtimeId } = previous
  const made = { requested, granted, supersedes: leaseId, providerId, runtimeId: options.runtimeId ?? runtimeId }
  const { budget, lease } = await grantLease(tx, context, ended.budget, made, options)
  const old: LeaseState = { ...ended.lease, supersededBy: lease.id }
  auditRefreshed(tx, context, old, lease, actor)
  announceClosed(tx, context, old)
  announceGranted(tx, context, lease)
  return Object.freeze({ ...grantOf(lease, budget, open.length, false), previous: publicLease(old, budget.now) })
}

/** A superseded lease is refreshed again by replaying its successor, while that is open (MON-34). */
async function openSuccessor(tx: WriteTx, lease: LeaseState): Promise<LeaseState | undefined> {
  if (lease.supersededBy === null) return undefined
  const successor = await findLease(tx, lease.supersededBy)
  return successor !== undefined && isOpen(successor) ? successor : undefined
}
