import type { JsonObject, WriteTx } from '@iron/database'
import type { Agent, AgentRow } from '../agent.ts'
import type { AgentChange } from '../agent-change.ts'
import { requireActiveOwner } from '../owners/require-active-owner.ts'
import type { Acting } from '../registry-parts.ts'
import { setAgentFields } from './agent-rows.ts'
import { loadLockedAgent } from './load-agent.ts'
import { lockLiveAgent } from './lock-agent.ts'

/**
 * Changes what is given. A new owner has everything of the agent from this commit on, its history included (ACL-15).
 *
 * @throws {AgentError} AGENT_NOT_FOUND, AGENT_ARCHIVED, USER_NOT_FOUND, in this order
 */
export async function updateAgent(
  tx: WriteTx,
  id: string,
  change: AgentChange,
  acting: Acting & { readonly provisionOwners: boolean },
): Promise<Agent> {
  const { parts, actor, now } = acting
  const { ownerId: newOwnerId } = change
  const row = await lockLiveAgent(tx, id, parts, newOwnerId === undefined ? {} : { exclusive: true, newOwnerId })
  const { ownerId } = await loadLockedAgent(tx, id, parts)
  const moves = newOwnerId !== undefined && newOwnerId !== ownerId
  if (moves) await requireActiveOwner(tx, newOwnerId, acting)

  const before = fieldsOf(row)
  const after = merged(before, change)
  const changed = FIELDS.filter((field) => !same(before[field], after[field]))
  if (changed.length > 0 || moves) {
    const { name, description, tags } = after
    await setAgentFields.run(tx, { id, name, description, tags: JSON.stringify(tags), now })
  }
  const entry = { resourceType: 'agent', resourceId: id, actor }
  if (changed.length > 0) {
    const changes = { before: picked(before, changed), after: picked(after, changed) }
    parts.audit.defer({ ...entry, operation: 'AGENT_UPDATED', changes }, { tx })
  }
  if (moves) {
    await parts.budgets.setOwner(id, newOwnerId, { tx })
    const changes = { before: { owner_id: ownerId }, after: { owner_id: newOwnerId } }
    parts.audit.defer({ ...entry, operation: 'AGENT_OWNER_CHANGED', changes }, { tx })
  }
  return loadLockedAgent(tx, id, parts)
}

/** What a person may change of an agent itself, under its wire names. */
interface Fields {
  readonly name: string
  readonly description: string | null
  readonly tags: readonly string[]
}

const FIELDS: readonly (keyof Fields)[] = ['name', 'description', 'tags']

function fieldsOf(row: AgentRow): Fields {
  return { name: row.name, description: row.description, tags: JSON.parse(row.tags) as string[] }
}

function merged(before: Fields, { name, description, tags }: AgentChange): Fields {
  return {
    name: name ?? before.name,
    description: description === undefined ? before.description : description,
    tags: tags ?? before.tags,
  }
}

function same(a: Fields[keyof Fields], b: Fields[keyof Fields]): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function picked(fields: Fields, names: readonly (keyof Fields)[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, fields[name]]))
}
