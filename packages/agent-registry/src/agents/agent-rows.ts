/** The statements on the agents table. A row changes only under the lock of its agent, signs of life excepted. */
import { prepare, type ReadTx } from '@iron/database'
import type { AgentRow, AgentState, DesiredState } from '../agent.ts'

const agentById = prepare<{ id: string }, AgentRow>((db, p) =>
  db.selectFrom('agents').selectAll().where('id', '=', p('id')),
)

/** The agent's row. */
export function findAgentRow(tx: ReadTx, id: string): Promise<AgentRow | undefined> {
  return agentById.first(tx, { id })
}

/** Adds an agent that has its budget already. */
export const insertAgent = prepare<{
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

/** Sets what a person may change of an agent itself. */
export const setAgentFields = prepare<{
  id: string
  name: string
  description: string | null
  tags: string
  now: number
}>((db, p) =>
  db
    .updateTable('agents')
    .set({ name: p('name'), description: p('description'), tags: p('tags'), updated_at: p('now') })
    .where('id', '=', p('id')),
)

/** Sets what an agent does and what it is told to do. */
export const setAgentState = prepare<{
  id: string
  state: AgentState
  desired: DesiredState
  reason: string | null
  now: number
}>((db, p) =>
  db
    .updateTable('agents')
    .set({
      state: p('state'),
      desired_state: p('desired'),
      state_reason: p('reason'),
      state_changed_at: p('now'),
      updated_at: p('now'),
    })
    .where('id', '=', p('id')),
)
