import type { WriteTx } from '@iron/database'
import { budgetIdOf } from '@iron/lease-manager'
import { lockLiveAgent } from '../agents/lock-agent.ts'
import { AgentError } from '../errors.ts'
import type { Acting } from '../registry-parts.ts'
import { auditIcToken } from './audit-ic-token.ts'
import type { IcTokenOptions, IssuedIcToken } from './ic-token-info.ts'
import { findLiveIcToken, storeIcToken } from './ic-token-rows.ts'

/** Gives an agent without token one. @throws {AgentError} AGENT_NOT_FOUND, AGENT_ARCHIVED, IC_TOKEN_EXISTS, in this order */
export async function issueIcToken(
  tx: WriteTx,
  agentId: string,
  options: IcTokenOptions,
  acting: Acting,
): Promise<IssuedIcToken> {
  await lockLiveAgent(tx, agentId, acting.parts)
  const known = await findLiveIcToken(tx, agentId)
  if (known !== undefined) {
    const details = { existing_id: known.id }
    throw new AgentError('IC_TOKEN_EXISTS', 'the agent has an IC token: regenerate it', { details })
  }
  return createIcToken(tx, agentId, options, acting)
}

/** The first token of an agent that is locked or new, with its audit entry. */
export async function createIcToken(
  tx: WriteTx,
  agentId: string,
  options: IcTokenOptions,
  acting: Acting,
): Promise<IssuedIcToken> {
  const token = await storeIcToken(tx, { id: agentId, budgetId: budgetIdOf(agentId) }, options, acting)
  const metadata = { permissions: [...token.permissions] }
  auditIcToken(tx, acting, 'IC_TOKEN_CREATED', { id: token.id, agentId, metadata })
  return token
}
