import { micros, toUsd } from '@iron/cost-calculator'
import type { Balances, Lease, LedgerEntry, LedgerFault } from '@iron/lease-manager'
import { id, nullable, oneOf, time } from '../http/schemas.ts'
import { balanceShape } from './budget.ts'
import { isoTime, isoTimeOrNull } from './scalars.ts'
import {
  component,
  dollars,
  flag,
  list,
  shape,
  type Shaped,
  shown,
  signedDollars,
  usuallyAs,
  usuallyNull,
  whole,
} from './shape.ts'

export const leaseStatus = oneOf('active', 'expired', 'superseded', 'closed', 'revoked')

export const leaseShape = component('Lease', {
  id: id('lease'),
  agent_id: id('agent'),
  provider_id: nullable(id('prov')),
  runtime_id: nullable(shown('worker-1')),
  status: leaseStatus,
  close_reason: usuallyNull(nullable(oneOf('returned', 'lapsed', 'superseded', 'revoked'))),
  requested_usd: dollars(20),
  granted_usd: dollars(20),
  spent_usd: dollars(0),
  overrun_usd: dollars(0),
  unreported_usd: dollars(0),
  returned_usd: dollars(0),
  remaining_usd: dollars(20),
  supersedes: usuallyNull(nullable(id('lease'))),
  superseded_by: usuallyNull(nullable(id('lease'))),
  created_at: time(),
  expires_at: time(),
  closed_at: usuallyNull(nullable(time())),
})

const balancesFields = {
  allocated_usd: dollars(100),
  spent_usd: dollars(4.5),
  reserved_usd: dollars(20),
  available_usd: signedDollars(75.5),
}

const balancesShape = component('LedgerBalances', balancesFields)

export const balancesAtShape = shape({ agent_id: id('agent'), at: time(), ...balancesFields })

const account = (example: 'available' | 'reserved') =>
  usuallyAs(example, oneOf('funding', 'available', 'reserved', 'spent'))

const ledgerEntryFields = {
  seq: whole(6),
  timestamp: time(),
  agent_id: id('agent'),
  type: usuallyAs('grant', oneOf('allocate', 'deallocate', 'grant', 'spend', 'overrun', 'release', 'adjust')),
  amount_usd: dollars(20),
  from_account: account('available'),
  to_account: account('reserved'),
  lease_id: nullable(id('lease')),
  request_id: usuallyNull(nullable(shown('call-1'))),
  reason: usuallyNull(nullable(shown('unreported_usage'))),
  actor_id: usuallyNull(nullable(shown('user_0199c2f0-5a00-7000-8000-000000000001'))),
  balances: balancesShape,
}

export const ledgerEntryShape = component('LedgerEntry', ledgerEntryFields)

export const adjustmentShape = component('Adjustment', { ...ledgerEntryFields, budget: balanceShape })

const ledgerFaultShape = shape({
  what: shown('spent'),
  seq: nullable(whole(4)),
  cached_usd: signedDollars(4.5),
  ledger_usd: signedDollars(4.4),
})

export const ledgerVerificationShape = shape({
  agent_id: id('agent'),
  consistent: flag(true),
  differences: { ...list(ledgerFaultShape), examples: [[]] },
})

/** `Lease` of http-api 4.8. */
export function leaseAnswer(lease: Lease): Shaped<typeof leaseShape> {
  return {
    id: lease.id,
    agent_id: lease.agentId,
    provider_id: lease.providerId,
    runtime_id: lease.runtimeId,
    status: lease.status,
    close_reason: lease.closeReason,
    requested_usd: toUsd(lease.requested),
    granted_usd: toUsd(lease.granted),
    spent_usd: toUsd(lease.spent),
    overrun_usd: toUsd(lease.overrun),
    unreported_usd: toUsd(lease.unreported),
    returned_usd: toUsd(lease.returned),
    remaining_usd: toUsd(lease.remaining),
    supersedes: lease.supersedes,
    superseded_by: lease.supersededBy,
    created_at: isoTime(lease.createdAt),
    expires_at: isoTime(lease.expiresAt),
    closed_at: isoTimeOrNull(lease.closedAt),
  }
}

/** `LedgerEntry` of http-api 4.8. */
export function ledgerEntryAnswer(entry: LedgerEntry): Shaped<typeof ledgerEntryShape> {
  return {
    seq: entry.seq,
    timestamp: isoTime(entry.at),
    agent_id: entry.agentId,
    type: entry.type,
    amount_usd: toUsd(entry.amount),
    from_account: entry.fromAccount,
    to_account: entry.toAccount,
    lease_id: entry.leaseId,
    request_id: entry.requestId,
    reason: entry.reason,
    actor_id: entry.actorId,
    balances: balancesAnswer(entry.balances),
  }
}

/** Balances as the ledger has them: what is available may be below 0. */
export function balancesAnswer(balances: Balances): Shaped<typeof balancesShape> {
  return {
    allocated_usd: toUsd(balances.allocated),
    spent_usd: toUsd(balances.spent),
    reserved_usd: toUsd(balances.reserved),
    available_usd: toUsd(balances.available),
  }
}

/** A difference found by `GET /agents/{id}/budget/verify` (http-api 4.7). */
export function ledgerFaultAnswer({ what, seq, cached, ledger }: LedgerFault): Shaped<typeof ledgerFaultShape> {
  return { what, seq, cached_usd: toUsd(micros(cached)), ledger_usd: toUsd(micros(ledger)) }
}
