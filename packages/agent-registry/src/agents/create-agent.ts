import { toUsd, ZERO } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import { ownerLock } from '@iron/lease-manager'
import type { Agent } from '../agent.ts'
import type { IssuedIcToken } from '../ic-tokens/ic-token-info.ts'
import { createIcToken } from '../ic-tokens/issue-ic-token.ts'
import type { CheckedAgent, NewAgent } from '../new-agent.ts'
import { requireActiveOwner } from '../owners/require-active-owner.ts'
import { writeAssignments } from '../providers/assignment-rows.ts'
import { holdProviders } from '../providers/hold-providers.ts'
import type { Acting } from '../registry-parts.ts'
import { insertAgent } from './agent-rows.ts'
import { loadLockedAgent } from './load-agent.ts'

/**
 * Writes agent, budget, providers, IC token and first ledger row in the caller's transaction. The owner's lock is held together
 * with a deletion of the owner: the agent is either moved with the others or refused (CON-23).
 *
 * @throws {AgentError} USER_NOT_FOUND, INVALID_PROVIDER_ID
 */
export async function createAgent(
  tx: WriteTx,
  input: NewAgent,
  checked: CheckedAgent,
  acting: Acting & { readonly provisionOwners: boolean },
): Promise<{ readonly agent: Agent; readonly icToken: IssuedIcToken }> {
  const { parts, ids, actor, now } = acting
  const { ownerId } = input
  await tx.lock(ownerLock(ownerId), { shared: true })
  await holdProviders(tx, checked.providerIds, parts)
  await requireActiveOwner(tx, ownerId, acting)
  const id = ids.next('agent')
  const allocated = input.allocated ?? ZERO
  await parts.budgets.create(id, allocated, { ownerId, actor, tx })
  const { name, description, tags, providerIds } = checked
  await insertAgent.run(tx, { id, name, description, tags: JSON.stringify(tags), now })
  await writeAssignments(tx, id, providerIds, now)
  const after = {
    name,
    description,
    owner_id: ownerId,
    tags,
    provider_ids: providerIds,
    allocated_usd: toUsd(allocated),
  }
  parts.audit.defer(
    { operation: 'AGENT_CREATED', resourceType: 'agent', resourceId: id, actor, changes: { after } },
    { tx },
  )
  const icToken = await createIcToken(tx, id, checked.icToken, acting)
  return Object.freeze({ agent: await loadLockedAgent(tx, id, parts), icToken })
}
