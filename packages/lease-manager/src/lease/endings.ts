import { channel } from 'node:diagnostics_channel'
import type { WriteTx } from '@iron/database'
import type { CloseReason } from './lease.ts'

/** Told of every lease that ended, as an {@link EndingMessage}, after its commit; costs nothing while nobody subscribes. */
export const LEASE_ENDINGS_CHANNEL = 'iron:lease-manager:ending'

/** What is told of a lease that ended. */
export interface EndingMessage {
  readonly closeReason: CloseReason
}

const endings = channel(LEASE_ENDINGS_CHANNEL)

/** Tells whoever subscribed to {@link LEASE_ENDINGS_CHANNEL}, once the transaction is durable. */
export function tellEnding(tx: WriteTx, closeReason: CloseReason): void {
  if (endings.hasSubscribers) tx.afterCommit(() => endings.publish({ closeReason } satisfies EndingMessage))
}
