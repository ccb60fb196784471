import { prepare, type ReadTx } from '@iron/database'
import type { Provider } from '@iron/token-manager'
import type { AgentState, DesiredState } from './agent.ts'
import { stopReasonOf } from './agents/decide-state.ts'
import { agentNotFound } from './errors.ts'
import { findProviders } from './providers/assignment-rows.ts'
import type { RegistryParts } from './registry-parts.ts'

/** What a grant must know about an agent, read inside its transaction. */
export interface Standing {
  readonly ownerId: string
  readonly ownerActive: boolean
  /** Id of the token that has been neither replaced nor revoked; null when there is none. */
  readonly liveTokenId: string | null
  readonly desiredState: DesiredState
  /** Why it is told to stop; that of another state does not matter here. */
  readonly stateReason: string | null
  /** In order of preference. */
  readonly providers: readonly Provider[]
}

interface StandingRow {
  readonly owner_id: string | null
  readonly live_token_id: string | null
  readonly desired_state: DesiredState
  readonly state: AgentState
  readonly state_reason: string | null
}

const standingRow = prepare<{ id: string }, StandingRow>(
  (db, p) =>
    db
      .selectFrom('agents as a')
      .select(['a.desired_state', 'a.state', 'a.state_reason'])
      .select((eb) => [
        eb.selectFrom('agent_budgets as b').select('b.owner_id').whereRef('b.agent_id', '=', 'a.id').as('owner_id'),
        eb
          .selectFrom('ic_tokens as t')
          .select('t.id')
          .whereRef('t.agent_id', '=', 'a.id')
          .where('t.revoked_at', 'is', null)
          .as('live_token_id'),
      ])
      .where('a.id', '=', p('id')),
  { together: { id: 'text' } },
)

const desired = prepare<{ id: string }, { desired_state: DesiredState }>(
  (db, p) => db.selectFrom('agents').select('desired_state').where('id', '=', p('id')),
  { together: { id: 'text' } },
)

/** Reads an agent's standing; no cache decides about money (budget protocol 12.1). */
export async function standingOf(
  tx: ReadTx,
  id: string,
  parts: Pick<RegistryParts, 'users' | 'providers'>,
): Promise<Standing> {
  const row = await standingRow.first(tx, { id })
  if (row === undefined) throw agentNotFound(id)
  const ownerId = row.owner_id ?? ''
  const owner = await parts.users.getUser(ownerId, { tx })
  return {
    ownerId,
    ownerActive: owner?.status === 'active',
    liveTokenId: row.live_token_id,
    desiredState: row.desired_state,
    stateReason: stopReasonOf(row),
    providers: await findProviders(tx, id, parts),
  }
}

/** What the agent is told to do; `running` for one that the registry does not know. */
export async function desiredStateOf(tx: ReadTx, id: string): Promise<DesiredState> {
  return (await desired.first(tx, { id }))?.desired_state ?? 'running'
}
