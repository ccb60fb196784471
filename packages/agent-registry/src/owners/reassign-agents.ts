import type { WriteTx } from '@iron/database'
import { ORPHANED_TAG, originalOwnerTag } from '../agent-fields.ts'
import type { RegistryParts } from '../registry-parts.ts'

/** An agent that has got another owner. */
export interface ReassignedAgent {
  readonly agentId: string
  readonly name: string
  readonly newOwnerId: string
}

/** Agents that get their tags in one statement. */
const TAGGED_MAX = 500

/**
 * Moves every agent of an owner to another, whose lock the caller holds as well as the owner's. Archived agents move too: their
 * money history must stay with somebody who can be asked about it (MON-26). Each is marked as orphaned and keeps token, budget,
 * providers and state.
 *
 * @returns the agents, by id
 */
export async function reassignAgents(
  tx: WriteTx,
  ownerId: string,
  newOwnerId: string,
  { budgets }: Pick<RegistryParts, 'budgets'>,
  now: number,
): Promise<readonly ReassignedAgent[]> {
  const rows = await tx.sql
    .selectFrom('agents as a')
    .innerJoin('agent_budgets as b', 'b.agent_id', 'a.id')
    .select(['a.id', 'a.name', 'a.tags'])
    .where('b.owner_id', '=', ownerId)
    .orderBy('a.id')
    .execute()
  await budgets.reassignAll(ownerId, newOwnerId, { tx })
  for (const [tags, ids] of withMarks(rows, ownerId)) {
    for (let at = 0; at < ids.length; at += TAGGED_MAX) {
      const some = ids.slice(at, at + TAGGED_MAX)
      await tx.sql.updateTable('agents').set({ tags, updated_at: now }).where('id', 'in', some).execute()
    }
  }
  return Object.freeze(rows.map(({ id, name }) => Object.freeze({ agentId: id, name, newOwnerId })))
}

/** Which agents get which tags: those whose tags are alike, above all those that had none, share a statement. */
function withMarks(
  rows: readonly { readonly id: string; readonly tags: string }[],
  ownerId: string,
): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const { id, tags } of rows) {
    const marked = new Set([...(JSON.parse(tags) as string[]), ORPHANED_TAG, originalOwnerTag(ownerId)])
    const key = JSON.stringify([...marked])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [id])
    else group.push(id)
  }
  return groups
}
