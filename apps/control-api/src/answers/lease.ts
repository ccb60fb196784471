import { micros, toUsd } from '@iron/cost-calculator'
import type { Balances, Lease, LedgerEntry, LedgerFault } from '@iron/lease-manager'
import { isoTime, isoTimeOrNull } from './scalars.ts'

/** `Lease` of http-api 4.8. */
export function leaseAnswer(lease: Lease) {
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
export function ledgerEntryAnswer(entry: LedgerEntry) {
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
export function balancesAnswer(balances: Balances) {
  return {
    allocated_usd: toUsd(balances.allocated),
    spent_usd: toUsd(balances.spent),
    reserved_usd: toUsd(balances.reserved),
    available_usd: toUsd(balances.available),
  }
}

/** A difference found by `GET /agents/{id}/budget/verify` (http-api 4.7). */
export function ledgerFaultAnswer({ what, seq, cached, ledger }: LedgerFault) {
  return { what, seq, cached_usd: toUsd(micros(cached)), ledger_usd: toUsd(micros(ledger)) }
}
