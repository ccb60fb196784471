/** Lends a slice of an agent's budget (budget protocol 4.2, 4.3). */
import { type Microdollars, ZERO } from '@iron/cost-calculator'
import type { ReadTx, WriteTx } from '@iron/database'
import { agentActor } from '../books.ts'
import { lockLiveBudget } from '../budget/budget-row.ts'
import { available } from '../ledger/movement.ts'
import { announceGranted, auditGranted } from './announce.ts'
import type { LeaseContext } from './context.ts'
import type { GrantCall } from './decide-replay.ts'
import { endOverdueLeases } from './end-lease.ts'
import {
  type Grant,
  grantedAmount,
  grantLease,
  grantOf,
  type GrantOptions,
  replayOrRefuse,
  requireSoundLedger,
} from './grant.ts'
import { isOpen, type LeaseState } from './lease.ts'
import { findLeaseByKey, readActiveLeases } from './find-leases.ts'

export async function openLease(
  tx: WriteTx,
  context: LeaseContext,
  agentId: string,
  named: Microdollars | undefined,
  options: GrantOptions,
): Promise<Grant> {
  const requested = named ?? context.rules.defaultGrant
  const locked = await lockLiveBudget(tx, agentId, context.clock, { exclusive: true })
  const swept = await endOverdueLeases(tx, context, locked, (await readActiveLeases(tx, agentId)).active)
  const open = swept.leases.filter(isOpen)
  const known = await findReplay(tx, agentId, options.idempotencyKey, {
    requested,
    providerId: options.providerId ?? null,
  })
  if (known !== undefined) return grantOf(known, swept.budget, open.length, true)
  await requireSoundLedger(tx, swept.budget, open)
  const granted = grantedAmount(
    {
      requested,
      available: available(swept.budget),
      ownHold: ZERO,
      otherLeases: open.length,
      maxOpen: context.rules.maxOpenPerAgent,
      room: options.room,
    },
    swept.budget,
    named,
  )
  const made = {
    requested,
    granted,
    supersedes: null,
    providerId: options.providerId ?? null,
    runtimeId: options.runtimeId ?? null,
  }
  const { budget, lease } = await grantLease(tx, context, swept.budget, made, options)
  auditGranted(tx, context, lease, options.actor ?? agentActor(agentId))
  announceGranted(tx, context, lease)
  return grantOf(lease, budget, open.length + 1, false)
}

/**
 * The lease that a key stands for, if it is this very call's.
 *
 * @throws {LeaseError} IDEMPOTENCY_CONFLICT, LEASE_NOT_ACTIVE
 */
export async function findReplay(
  tx: ReadTx,
  agentId: string,
  key: string | undefined,
  call: GrantCall,
): Promise<LeaseState | undefined> {
  if (key === undefined) return undefined
  const known = await findLeaseByKey(tx, agentId, key)
  return known === undefined ? undefined : replayOrRefuse(known, call)
}
