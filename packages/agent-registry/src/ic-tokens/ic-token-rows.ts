/** The statements on the ic_tokens table; its history is kept, and a unique index allows one live token per agent. */
import { prepare, type ReadTx, type WriteTx } from '@iron/database'
import { actorIdOf } from '@iron/journal'
import type { Acting } from '../registry-parts.ts'
import type { IcTokenOptions, IcTokenRow, IssuedIcToken } from './ic-token-info.ts'

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

const live = prepare<{ agentId: string }, IcTokenRow>((db, p) =>
  db
    .selectFrom('ic_tokens')
    .select(['id', 'permissions', 'created_at', 'expires_at', 'last_used_at'])
    .where('agent_id', '=', p('agentId'))
    .where('revoked_at', 'is', null),
)

const revoke = prepare<{ agentId: string; at: number; by: string }>((db, p) =>
  db
    .updateTable('ic_tokens')
    .set({ revoked_at: p('at'), revoked_by: p('by') })
    .where('agent_id', '=', p('agentId'))
    .where('revoked_at', 'is', null),
)

/** The agent's token that has not been replaced or revoked; its expiry may be over. */
export function findLiveIcToken(tx: ReadTx, agentId: string): Promise<IcTokenRow | undefined> {
  return live.first(tx, { agentId })
}

/** Signs a token and stores its hash; the secret is in the answer and nowhere else. */
export async function storeIcToken(
  tx: WriteTx,
  agent: { readonly id: string; readonly budgetId: string },
  options: IcTokenOptions,
  { parts, ids, actor, now }: Acting,
): Promise<IssuedIcToken> {
  const id = ids.next('ic')
  const { token, hash, claims } = parts.icTokens.issue({
    agentId: agent.id,
    budgetId: agent.budgetId,
    id,
    permissions: options.permissions === undefined ? undefined : [...options.permissions],
    expiresAt: options.expiresAt,
  })
  // What the claim says, which counts whole seconds, decides.
  const expiresAt = claims.exp === undefined ? null : claims.exp * 1_000
  await insert.run(tx, {
    id,
    agentId: agent.id,
    tokenHash: hash,
    permissions: JSON.stringify(claims.permissions),
    createdAt: now,
    createdBy: actorIdOf(actor),
    expiresAt,
  })
  const permissions = Object.freeze([...claims.permissions])
  return Object.freeze({
    id,
    permissions,
    createdAt: now,
    expiresAt,
    lastUsedAt: null,
    token,
    oldTokenInvalidated: false,
  })
}

/** Ends the agent's live token: from this commit on it authenticates nobody (SEC-11). */
export async function clearIcToken(tx: WriteTx, agentId: string, { actor, now }: Acting): Promise<void> {
  await revoke.run(tx, { agentId, at: now, by: actorIdOf(actor) })
}
