/**
 * Pages of what an owner's agents and API tokens did. Of a few of them the rows are gathered and sorted. Where an owner has many, that
 * would be most of a log: a page is soon found along it, and if not, they have done little, and there is little to gather.
 */
import type { ReadTx } from '@iron/database'
import { queryPart, type SqlPart } from './sql-part.ts'

/** Agents and API tokens of an owner up to which their rows are gathered. */
const GATHERED_MAX = 1_000

/** Rows of a log that are looked at one after the other before an owner's are gathered. */
export const OWNER_WALK_MAX = 5_000

/** Whether a page of this owner's rows is looked for along the log first. */
export async function ownsMany(tx: ReadTx, ownerId: string): Promise<boolean> {
  const owned =
    'SELECT agent_id FROM agent_owner WHERE owner_id = ? UNION ALL SELECT token_id FROM token_owner WHERE owner_id = ?'
  const beyond = { sql: `${owned} LIMIT 1 OFFSET ${String(GATHERED_MAX)}`, values: [ownerId, ownerId] }
  return (await queryPart(tx, beyond)).length > 0
}

/** The condition that a row's agent is this owner's, as a question about each row: no engine turns it into a look-up of the agents. */
export function agentIsOf(agentId: string, ownerId: string): SqlPart {
  return { sql: `(SELECT o.owner_id FROM agent_owner o WHERE o.agent_id = ${agentId}) = ?`, values: [ownerId] }
}
