/**
 * What `open` and `refresh` share: the caller's options, the refusals, and the new lease. A refused grant has written nothing but
 * overdue leases that were ended (CON-28).
 */
import { type Microdollars, toUsd, ZERO } from '@iron/cost-calculator'
import { IDEMPOTENCY_KEY_MAX, type InTx, type WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { checkAmount } from '../amount.ts'
import { ledgerActor } from '../books.ts'
import { type Budget, publicBudget } from '../budget/budget.ts'
import type { LockedBudget } from '../budget/budget-row.ts'
import { LeaseError } from '../errors.ts'
import { post } from '../ledger/post.ts'
import { decideSound, readLastEntry } from '../ledger/soundness.ts'
import type { LeaseContext } from './context.ts'
import { decideGrant, type GrantQuestion, type GrantRoom } from './decide-grant.ts'
import { decideReplay, type GrantCall } from './decide-replay.ts'
import { type Lease, type LeaseState, publicLease } from './lease.ts'
import { insertLease } from './write-lease.ts'
import { checkActor, checkIds, RUNTIME_ID_MAX } from './validate.ts'

/** Options of a grant. */
export interface GrantOptions extends InTx {
  /** What the owner's limits leave; without it only the budget bounds a grant. */
  readonly room?: GrantRoom | undefined
  /** Pre-made, when something was sealed under it. Default: a fresh one. */
  readonly leaseId?: string | undefined
  /** Repeating the call with the same key answers the same lease. 1..255 visible ASCII characters, one scope per agent. */
  readonly idempotencyKey?: string | undefined
  readonly providerId?: string | undefined
  /** 1..100 characters. */
  readonly runtimeId?: string | undefined
  /** Default: the agent itself. */
  readonly actor?: ActorRef | undefined
}

/** A granted lease. */
export interface Grant {
  readonly lease: Lease
  readonly budget: Budget
  /** Less than requested was left. */
  readonly partial: boolean
  /** The answer of an earlier call with the same key, or of an earlier refresh of the same lease. */
  readonly duplicate: boolean
}

export function grantOf(lease: LeaseState, budget: LockedBudget, openLeases: number, duplicate: boolean): Grant {
  return Object.freeze({
    lease: publicLease(lease, budget.now),
    budget: publicBudget(budget, openLeases),
    partial: lease.granted < lease.requested,
    duplicate,
  })
}

/** @throws {LeaseError} IDEMPOTENCY_CONFLICT, LEASE_NOT_ACTIVE */
export function replayOrRefuse(known: LeaseState, call: GrantCall): LeaseState {
  switch (decideReplay(known, call)) {
    case 'replayed':
      return known
    case 'conflict':
      throw new LeaseError('IDEMPOTENCY_CONFLICT', 'the idempotency key was used for another grant')
    case 'not_active':
      throw leaseNotActive(known)
  }
}

export function leaseNotActive(lease: LeaseState): LeaseError {
  const successor = lease.supersededBy === null ? {} : { superseded_by: lease.supersededBy }
  return new LeaseError('LEASE_NOT_ACTIVE', 'the lease is not open any more', {
    details: { lease_id: lease.id, status: lease.stored, ...successor },
  })
}

export function leaseNotFound(): LeaseError {
  return new LeaseError('LEASE_NOT_FOUND', 'there is no such lease')
}

/**
 * Refuses to lend money on books that do not agree with themselves: checks 2 and 3 of budget protocol 3.5, asked at every grant,
 * so that nobody has to remember a mismatch.
 *
 * @throws {LeaseError} LEDGER_MISMATCH
 */
export async function requireSoundLedger(
  tx: WriteTx,
  budget: LockedBudget,
  active: readonly LeaseState[],
): Promise<void> {
  const faults = decideSound(budget, await readLastEntry(tx, budget), active)
  const [first] = faults
  if (first === undefined) return
  throw new LeaseError('LEDGER_MISMATCH', 'the books of the agent disagree; nothing is lent until they are rebuilt', {
    details: {
      what: first.what,
      cached_usd: toUsd(first.cached as Microdollars),
      ledger_usd: toUsd(first.ledger as Microdollars),
    },
    retryable: true,
  })
}

/** @throws {LeaseError} LEASE_CAP_REACHED, BUDGET_EXCEEDED, LIMIT_EXCEEDED */
export function grantedAmount(
  question: GrantQuestion,
  budget: LockedBudget,
  named: Microdollars | undefined,
): Microdollars {
  const decision = decideGrant(question)
  switch (decision.outcome) {
    case 'granted':
      return decision.amount
    case 'cap_reached':
      throw new LeaseError('LEASE_CAP_REACHED', 'the agent has too many open leases', {
        details: { max: question.maxOpen },
      })
    case 'budget_exceeded':
      throw new LeaseError('BUDGET_EXCEEDED', 'Budget exceeded', {
        details: {
          spent: toUsd(budget.spent),
          limit: toUsd(budget.allocated),
          ...(budget.reserved > ZERO ? { reserved: toUsd(budget.reserved) } : {}),
          ...(named === undefined ? {} : { requested: toUsd(named) }),
        },
      })
    case 'limit_exceeded':
      throw new LeaseError('LIMIT_EXCEEDED', 'a usage limit of the owner is used up', {
        details: { ...question.room?.exceeded },
      })
  }
}

/** What a new lease is made of. */
export interface NewLease {
  readonly requested: Microdollars
  readonly granted: Microdollars
  readonly supersedes: string | null
  readonly providerId: string | null
  readonly runtimeId: string | null
}

/** Books the grant and writes the lease. */
export async function grantLease(
  tx: WriteTx,
  context: LeaseContext,
  budget: LockedBudget,
  made: NewLease,
  options: GrantOptions,
): Promise<{ readonly budget: LockedBudget; readonly lease: LeaseState }> {
  const lease: LeaseState = {
    id: options.leaseId ?? context.ids.next('lease'),
    agentId: budget.agentId,
    ...made,
    idempotencyKey: options.idempotencyKey ?? null,
    stored: 'active',
    closeReason: null,
    supersededBy: null,
    spent: ZERO,
    released: ZERO,
    overrun: ZERO,
    unreported: ZERO,
    createdAt: budget.now,
    expiresAt: budget.now + context.rules.ttlMs,
    closedAt: null,
    returnedAt: null,
    returnSpent: null,
  }
  const posted = await post(tx, budget, {
    type: 'grant',
    amount: made.granted,
    leaseId: lease.id,
    actorId: options.actor === undefined ? undefined : ledgerActor(options.actor),
  })
  await insertLease(tx, lease)
  return { budget: posted.budget, lease }
}

/** @throws {LeaseError} VALIDATION_ERROR naming every fault */
export function checkGrantInput(
  idName: string,
  id: string,
  requested: Microdollars | undefined,
  options: GrantOptions,
  maxGrant: Microdollars,
): void {
  checkIds({ [idName]: id }, (faults) => {
    if (requested !== undefined) checkAmount(faults, 'requested', requested, 1, maxGrant)
    if (options.leaseId !== undefined) faults.id(idName === 'leaseId' ? 'options.leaseId' : 'leaseId', options.leaseId)
    if (options.idempotencyKey !== undefined) faults.key('idempotencyKey', options.idempotencyKey, IDEMPOTENCY_KEY_MAX)
    if (options.providerId !== undefined) faults.id('providerId', options.providerId)
    if (options.runtimeId !== undefined) faults.text('runtimeId', options.runtimeId, { max: RUNTIME_ID_MAX })
    if (options.actor !== undefined) checkActor(faults, options.actor)
    const left = options.room?.left ?? ZERO
    faults.check(Number.isSafeInteger(left), 'room.left', 'must be a whole number of microdollars')
  })
}
