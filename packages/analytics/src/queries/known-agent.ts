import type { ReadTx } from '@iron/database'
import { queryPart } from '@iron/journal'
import { agentNotFound } from '../errors.ts'
import type { Scope } from '../scope.ts'

/**
 * Checks that the agent of a scope exists and is the owner's, if an owner is named: foreign and missing agents are answered
 * alike. Where nobody is named, an agent without a budget is known by its calls.
 *
 * @throws {AnalyticsError} AGENT_NOT_FOUND
 */
export async function mustKnowAgent(tx: ReadTx, { agentId, ownerId }: Scope): Promise<void> {
  if (agentId === undefined) return
  const known = ownerId === undefined ? await exists(tx, agentId) : await isOwned(tx, agentId, ownerId)
  if (!known) throw agentNotFound(agentId)
}

async function isOwned(tx: ReadTx, agentId: string, ownerId: string): Promise<boolean> {
  const sql = 'SELECT 1 FROM agent_owner WHERE agent_id = ? AND owner_id = ?'
  return (await queryPart(tx, { sql, values: [agentId, ownerId] })).length > 0
}

async function exists(tx: ReadTx, agentId: string): Promise<boolean> {
  const sql = `
    SELECT 1 WHERE EXISTS (SELECT 1 FROM agent_owner WHERE agent_id = ?)
      OR (NOT EXISTS (SELECT 1 FROM token_owner WHERE token_id = ?)
        AND (EXISTS (SELECT 1 FROM requests WHERE subject_id = ?)
          OR EXISTS (SELECT 1 FROM request_rollups WHERE subject_id = ?)))`
  return (await queryPart(tx, { sql, values: [agentId, agentId, agentId, agentId] })).length > 0
}
