/** The statements on the agent_providers table: which providers an agent may use, in order of preference. */
import { prepare, type ReadTx, type WriteTx } from '@iron/database'
import type { Provider, ProviderCatalog } from '@iron/token-manager'

const providersOf = prepare<{ agentId: string }, { provider_id: string }>(
  (db, p) =>
    db.selectFrom('agent_providers').select('provider_id').where('agent_id', '=', p('agentId')).orderBy('position'),
  { together: { agentId: 'text' } },
)

const assign = prepare<{ agentId: string; providerId: string; position: number; now: number }>((db, p) =>
  db.insertInto('agent_providers').values({
    agent_id: p('agentId'),
    provider_id: p('providerId'),
    position: p('position'),
    assigned_at: p('now'),
  }),
)

const clear = prepare<{ agentId: string }>((db, p) =>
  db.deleteFrom('agent_providers').where('agent_id', '=', p('agentId')),
)

const unassign = prepare<{ agentId: string; providerId: string }>((db, p) =>
  db.deleteFrom('agent_providers').where('agent_id', '=', p('agentId')).where('provider_id', '=', p('providerId')),
)

const unassignFromAll = prepare<{ providerId: string }, { agent_id: string }>((db, p) =>
  db.deleteFrom('agent_providers').where('provider_id', '=', p('providerId')).returning('agent_id'),
)

/** The ids of the agent's providers, in order of preference. */
export async function findProviderIds(tx: ReadTx, agentId: string): Promise<string[]> {
  return (await providersOf.all(tx, { agentId })).map((row) => row.provider_id)
}

/** As {@link findProviderIds}, for several agents in one query; an agent without providers is missing. */
export async function findProviderIdsOfAll(
  tx: ReadTx,
  agentIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>()
  if (agentIds.length === 0) return found
  const rows = await tx.sql
    .selectFrom('agent_providers')
    .select(['agent_id', 'provider_id'])
    .where('agent_id', 'in', agentIds)
    .orderBy('agent_id')
    .orderBy('position')
    .execute()
  for (const { agent_id: agentId, provider_id: providerId } of rows) {
    const ids = found.get(agentId)
    if (ids === undefined) found.set(agentId, [providerId])
    else ids.push(providerId)
  }
  return found
}

/** The agent's providers as the catalogue has them now, in order of preference. */
export async function findProviders(
  tx: ReadTx,
  agentId: string,
  { providers }: { readonly providers: ProviderCatalog },
): Promise<readonly Provider[]> {
  const found: Provider[] = []
  for (const id of await findProviderIds(tx, agentId)) {
    const provider = await providers.get(id, { tx })
    if (provider !== undefined) found.push(provider)
  }
  return Object.freeze(found)
}

/** Replaces all of the agent's assignments; the order of the ids is the order of preference. */
export async function replaceAssignments(
  tx: WriteTx,
  agentId: string,
  providerIds: readonly string[],
  now: number,
): Promise<void> {
  await clear.run(tx, { agentId })
  await writeAssignments(tx, agentId, providerIds, now)
}

/** Assigns providers to an agent that has none. */
export async function writeAssignments(
  tx: WriteTx,
  agentId: string,
  providerIds: readonly string[],
  now: number,
): Promise<void> {
  for (const [position, providerId] of providerIds.entries()) {
    await assign.run(tx, { agentId, providerId, position, now })
  }
}

/** Takes one provider from an agent. Resolves to whether it had it. */
export async function dropAssignment(tx: WriteTx, agentId: string, providerId: string): Promise<boolean> {
  return (await unassign.run(tx, { agentId, providerId })) > 0
}

/** Takes a provider from every agent that has it. Resolves to their ids, ascending. */
export async function dropAssignments(tx: WriteTx, providerId: string): Promise<readonly string[]> {
  return (await unassignFromAll.all(tx, { providerId })).map((row) => row.agent_id).sort()
}
