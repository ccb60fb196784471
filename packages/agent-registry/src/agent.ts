import type { AgentsTable } from '@iron/database'
import type { Budget } from '@iron/lease-manager'

/** What an agent does, as its runtime says (http-api 4.4). */
export type AgentState = 'running' | 'idle' | 'stopped' | 'failed'

export const AGENT_STATES: readonly AgentState[] = ['running', 'idle', 'stopped', 'failed']

/** What an agent is told to do. */
export type DesiredState = 'running' | 'stopped'

/** An agent with its budget. Times are epoch ms. */
export interface Agent {
  readonly id: string
  readonly budgetId: string
  readonly name: string
  readonly description: string | null
  readonly ownerId: string
  readonly tags: readonly string[]
  readonly status: 'active' | 'archived'
  readonly state: AgentState
  readonly desiredState: DesiredState
  readonly stateReason: string | null
  readonly lastSeenAt: number | null
  /** In order of preference. */
  readonly providerIds: readonly string[]
  readonly budget: Budget
  readonly createdAt: number
  readonly updatedAt: number
}

/** A row of `agents` as selected. */
export type AgentRow = { [Column in keyof AgentsTable]: unknown } & {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly tags: string
  readonly state: AgentState
  readonly state_reason: string | null
  readonly desired_state: DesiredState
  readonly last_seen_at: number | null
  readonly created_at: number
  readonly updated_at: number
}

/** Puts an agent together from its row, its budget and its providers. */
export function agentOf(row: AgentRow, budget: Budget, providerIds: readonly string[]): Agent {
  return Object.freeze({
    id: row.id,
    budgetId: budget.budgetId,
    name: row.name,
    description: row.description,
    ownerId: budget.ownerId ?? '',
    tags: Object.freeze(JSON.parse(row.tags) as string[]),
    status: budget.archived ? ('archived' as const) : ('active' as const),
    state: row.state,
    desiredState: row.desired_state,
    stateReason: row.state_reason,
    lastSeenAt: row.last_seen_at,
    providerIds: Object.freeze([...providerIds]),
    budget,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  })
}
