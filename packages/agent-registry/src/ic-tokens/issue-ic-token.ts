import { prepare, type WriteTx } from '@iron/database'
import type { IcTokenManager } from '@iron/ic-token'
import type { IcTokenOptions, IssuedIcToken } from './ic-token-info.ts'

interface NewIcTokenRow {
  id: string
  agentId: string
  tokenHash: string
  permissions: string
  createdAt: number
  createdBy: string
  expiresAt: number | null
}

const insert = prepare<NewIcTokenRow>((db, p) =>
  db.insertInto('ic_tokens').values({
    id: p('id'),
    agent_id: p('agentId'),
    token_hash: p('tokenHash'),
    permissions: p('permissions'),
    created_at: p('createdAt'),
    created_by: p('createdBy'),
    expires_at: p('expiresAt'),
  }),
)

const revoke = prepare<{ agentId: string; at: number; by: string }>((db, p) =>
  db
    .updateTable('ic_tokens')
    .set({ revoked_at: p('at'), revoked_by: p('by') })
    .where('agent_id', '=', p('agentId'))
    .where('revoked_at', 'is', null),
)

/** What issuing needs besides the agent. */
export interface IssueContext {
  readonly icTokens: IcTokenManager
  readonly id: string
  readonly now: number
  readonly issuedBy: string
}

/** Signs a token and stores its hash; the database allows one live token per agent. */
export async function issueIcToken(
  tx: WriteTx,
  agent: { readonly id: string; readonly budgetId: string },
  options: IcTokenOptions,
  context: IssueContext,
): Promise<IssuedIcToken> {
  const { token, hash, claims } = context.icTokens.issue({
    agentId: agent.id,
    budgetId: agent.budgetId,
    id: context.id,
    permissions: options.permissions === undefined ? undefined : [...options.permissions],
    expiresAt: options.expiresAt,
  })
  const expiresAt = options.expiresAt ?? null
  await insert.run(tx, {
    id: context.id,
    agentId: agent.id,
    tokenHash: hash,
    permissions: JSON.stringify(claims.permissions),
    createdAt: context.now,
    createdBy: context.issuedBy,
    expiresAt,
  })
  return Object.freeze({
    id: context.id,
    permissions: Object.freeze([...claims.permissions]),
    createdAt: context.now,
    expiresAt,
    lastUsedAt: null,
    token,
    oldTokenInvalidated: false,
  })
}

/**
 * Ends the agent's live token.
 *
 * @returns whether there was one
 */
export async function clearIcToken(tx: WriteTx, agentId: string, by: string, at: number): Promise<boolean> {
  return (await revoke.run(tx, { agentId, at, by })) > 0
}
