import type { WriteTx } from '@iron/database'
import { LeaseError } from '@iron/lease-manager'
import type { AgentRow } from '../agent.ts'
import { agentArchived, AgentError, agentNotFound } from '../errors.ts'
import type { RegistryParts } from '../registry-parts.ts'
import { findAgentRow } from './agent-rows.ts'

/** How an agent is locked: shared with other work of its owner, or, for a move, alone and together with the new owner. */
export type AgentLockOptions = { readonly exclusive: true; readonly newOwnerId: string } | Record<string, never>

/**
 * Locks an agent in use as everything about its money does: owner, then budget row (budget protocol 12.1). What is decided
 * about the agent is read after this.
 *
 * @throws {AgentError} AGENT_NOT_FOUND, AGENT_ARCHIVED
 */
export async function lockLiveAgent(
  tx: WriteTx,
  id: string,
  { leases }: Pick<RegistryParts, 'leases'>,
  options: AgentLockOptions = {},
): Promise<AgentRow> {
  try {
    await leases.lockAgent(id, { tx, ...options })
  } catch (error) {
    if (error instanceof LeaseError && error.code === 'AGENT_NOT_FOUND') throw agentNotFound(id)
    if (error instanceof LeaseError && error.code === 'AGENT_ARCHIVED') throw agentArchived()
    throw error
  }
  const row = await findAgentRow(tx, id)
  if (row === undefined) throw agentNotFound(id)
  return row
}

/** As {@link lockLiveAgent}, for what has nothing to do on an archived agent: `undefined` then. @throws {AgentError} AGENT_NOT_FOUND */
export async function lockUnlessArchived(
  tx: WriteTx,
  id: string,
  parts: Pick<RegistryParts, 'leases'>,
): Promise<AgentRow | undefined> {
  try {
    return await lockLiveAgent(tx, id, parts)
  } catch (error) {
    if (error instanceof AgentError && error.code === 'AGENT_ARCHIVED') return undefined
    throw error
  }
}
