import type { WriteTx } from '@iron/database'
import type { Provider } from '@iron/token-manager'
import { auditedIds } from '../audited-ids.ts'
import type { Acting } from '../registry-parts.ts'
import { dropAssignments } from './assignment-rows.ts'
import { providerLock } from './hold-providers.ts'

/** A deleted provider, as it was, and the agents that had it. */
export interface DeletedProvider {
  readonly provider: Provider
  /** Archived ones too, ascending. */
  readonly agentsAffected: readonly string[]
}

/**
 * Deletes a provider with its keys and takes it from every agent, in one commit; open leases go on. One audit entry tells all.
 *
 * @throws {TokenManagerError} PROVIDER_NOT_FOUND
 */
export async function deleteProvider(tx: WriteTx, providerId: string, acting: Acting): Promise<DeletedProvider> {
  const { parts, actor } = acting
  await tx.lock(providerLock(providerId))
  const agentsAffected = await dropAssignments(tx, providerId)
  const metadata = { agents_affected: auditedIds(agentsAffected), agents_count: agentsAffected.length }
  const provider = await parts.providers.delete(providerId, actor, { tx, metadata })
  return Object.freeze({ provider, agentsAffected: Object.freeze(agentsAffected) })
}
