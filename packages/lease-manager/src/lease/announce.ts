/** Events and audit entries of a lease, written with the change they describe (websocket.md 5, http-api 1.13). */
import { type Microdollars, toUsd } from '@iron/cost-calculator'
import type { JsonObject, WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { agentActor, type Books, isoTime, SWEEPER } from '../books.ts'
import type { LeaseState, RevokeCause } from './lease.ts'

/** `lease.granted`. */
export function announceGranted(tx: WriteTx, books: Books, lease: LeaseState): void {
  const via = lease.supersedes !== null ? 'refresh' : lease.providerId !== null ? 'handshake' : 'reserve'
  books.events.defer(
    {
      type: 'lease.granted',
      agentId: lease.agentId,
      data: {
        lease_id: lease.id,
        via,
        requested_usd: toUsd(lease.requested),
        granted_usd: toUsd(lease.granted),
        partial: lease.granted < lease.requested,
        provider_id: lease.providerId,
        runtime_id: lease.runtimeId,
        supersedes: lease.supersedes,
        expires_at: isoTime(lease.expiresAt),
      },
    },
    { tx },
  )
}

/** `lease.closed`, whatever ended it. */
export function announceClosed(tx: WriteTx, books: Books, lease: LeaseState, cause?: RevokeCause): void {
  books.events.defer(
    {
      type: 'lease.closed',
      agentId: lease.agentId,
      data: {
        lease_id: lease.id,
        status: lease.stored,
        close_reason: lease.closeReason,
        cause: cause ?? null,
        granted_usd: toUsd(lease.granted),
        spent_usd: toUsd(lease.spent),
        overrun_usd: toUsd(lease.overrun),
        returned_usd: toUsd(lease.released),
        superseded_by: lease.supersededBy,
      },
    },
    { tx },
  )
}

function audit(
  tx: WriteTx,
  books: Books,
  operation: string,
  lease: LeaseState,
  actor: ActorRef,
  metadata: JsonObject,
  reason?: string,
): void {
  books.audit.defer(
    {
      operation,
      resourceType: 'lease',
      resourceId: lease.id,
      actor,
      reason,
      metadata: { agent_id: lease.agentId, ...metadata },
    },
    { tx },
  )
}

function settled(lease: LeaseState): JsonObject {
  return {
    granted_usd: toUsd(lease.granted),
    spent_usd: toUsd(lease.spent),
    overrun_usd: toUsd(lease.overrun),
    returned_usd: toUsd(lease.released),
  }
}

export function auditGranted(tx: WriteTx, books: Books, lease: LeaseState, actor: ActorRef): void {
  const metadata = {
    requested_usd: toUsd(lease.requested),
    granted_usd: toUsd(lease.granted),
    provider_id: lease.providerId,
    runtime_id: lease.runtimeId,
    expires_at: isoTime(lease.expiresAt),
  }
  audit(tx, books, 'LEASE_GRANTED', lease, actor, metadata)
}

/** One entry for both halves of a refresh, on the lease it ends. */
export function auditRefreshed(
  tx: WriteTx,
  books: Books,
  previous: LeaseState,
  next: LeaseState,
  actor: ActorRef,
): void {
  const metadata = {
    ...settled(previous),
    superseded_by: next.id,
    new_requested_usd: toUsd(next.requested),
    new_granted_usd: toUsd(next.granted),
    new_expires_at: isoTime(next.expiresAt),
  }
  audit(tx, books, 'LEASE_REFRESHED', previous, actor, metadata)
}

export function auditReturned(
  tx: WriteTx,
  books: Books,
  lease: LeaseState,
  unreported: Microdollars,
  actor: ActorRef = agentActor(lease.agentId),
): void {
  audit(tx, books, 'LEASE_RETURNED', lease, actor, {
    ...settled(lease),
    unreported_usd: toUsd(unreported),
  })
}

export function auditExpired(tx: WriteTx, books: Books, lease: LeaseState): void {
  audit(tx, books, 'LEASE_EXPIRED', lease, SWEEPER, settled(lease), 'lapsed')
}

export function auditRevoked(
  tx: WriteTx,
  books: Books,
  lease: LeaseState,
  actor: ActorRef,
  cause: RevokeCause,
  reason: string,
): void {
  audit(tx, books, 'LEASE_REVOKED', lease, actor, { ...settled(lease), cause }, reason)
}

/** Every overrun of a lease, whether a report or a return brought it. */
export function auditOverrun(
  tx: WriteTx,
  books: Books,
  lease: LeaseState,
  overrun: Microdollars,
  from: JsonObject,
  actor: ActorRef = agentActor(lease.agentId),
): void {
  audit(tx, books, 'USAGE_OVERRUN', lease, actor, { overrun_usd: toUsd(overrun), ...from })
}
