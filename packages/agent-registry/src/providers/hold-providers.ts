import type { WriteTx } from '@iron/database'
import { AgentError } from '../errors.ts'
import type { RegistryParts } from '../registry-parts.ts'

/** Held shared by whoever assigns a provider and alone by whoever deletes it: no agent keeps a provider that is gone. */
export function providerLock(providerId: string): string {
  return `provider:${providerId}`
}

/**
 * Makes sure that providers exist until the end of the transaction.
 *
 * @throws {AgentError} INVALID_PROVIDER_ID naming all that do not (`details.missing`)
 */
export async function holdProviders(
  tx: WriteTx,
  ids: readonly string[],
  { providers }: Pick<RegistryParts, 'providers'>,
): Promise<void> {
  for (const id of ids.toSorted()) await tx.lock(providerLock(id), { shared: true })
  const missing: string[] = []
  for (const id of ids) if ((await providers.get(id, { tx })) === undefined) missing.push(id)
  if (missing.length === 0) return
  throw new AgentError('INVALID_PROVIDER_ID', 'some providers do not exist', { details: { missing } })
}
