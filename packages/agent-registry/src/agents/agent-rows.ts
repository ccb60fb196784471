import { prepare, type ReadTx } from '@iron/database'
import type { AgentRow, AgentState } from '../agent.ts'
import type { IcTokenRow } from '../ic-tokens/ic-token-info.ts'

const agentById = prepare<{ id: string }, AgentRow>((db, p) =>
  db.selectFrom('agents').selectAll().where('id', '=', p('id')),
)

const providersOf = prepare<{ agentId: string }, { provider_id: string }>((db, p) =>
  db.selectFrom('agent_providers').select('provider_id').where('agent_id', '=', p('agentId')).orderBy('position'),
)

const liveIcToken = prepare<{ agentId: string }, IcTokenRow>((db, p) =>
  db
    .selectFrom('ic_tokens')
    .select(['id', 'permissions', 'created_at', 'expires_at', 'last_used_at'])
    .where('agent_id', '=', p('agentId'))
    .where('revoked_at', 'is', null),
)

const insertAgentRow = prepare<{
  id: string
  name: string
  description: string | null
  tags: string
  now: number
}>((db, p) =>
  db.insertInto('agents').values({
    id: p('id'),
    name: p('name'),
    description: p('description'),
    tags: p('tags'),
    state: 'idle',
    state_reason: null,
    state_changed_at: p('now'),
    desired_state: 'running',
    last_seen_at: null,
    created_at: p('now'),
    updated_at: p('now'),
  }),
)

const assign = prepare<{ agentId: string; providerId: string; position: number; now: number }>((db, p) =>
  db.insertInto('agent_providers').values({
    agent_id: p('agentId'),
    provider_id: p('providerId'),
    position: p('position'),
    assigned_at: p('now'),
  }),
)

const changeState = prepare<{ id: string; state: AgentState; reason: string | null; now: number }>((db, p) =>
  db
    .updateTable('agents')
    .set({ state: p('state'), state_reason: p('reason'), state_changed_at: p('now'), updated_at: p('now') })
    .where('id', '=', p('id')),
)

/** The agent's row. */
export function findAgentRow(tx: ReadTx, id: string): Promise<AgentRow | undefined> {
  return agentById.first(tx, { id })
}

/** The agent's providers, in order of preference. */
export async function findProviderIds(tx: ReadTx, agentId: string): Promise<string[]> {
  return (await providersOf.all(tx, { agentId })).map((row) => row.provider_id)
}

/** The agent's token that works now. */
export function findLiveIcToken(tx: ReadTx, agentId: string): Promise<IcTokenRow | undefined> {
  return liveIcToken.first(tx, { agentId })
}

export const insertAgent = insertAgentRow
export const assignProvider = assign
export const setAgentState = changeState
