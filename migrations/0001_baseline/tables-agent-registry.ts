/** Agents, what they may use, and their tokens (data-model 3.5). */
import { byDefault, count, hash, id, json, oneOf, optional, references, text, time } from './columns.ts'
import type { Table } from './create-table.ts'

export const agentRegistryTables: readonly Table[] = [
  {
    name: 'agents',
    columns: {
      id: references('agent_budgets', 'agent_id'),
      name: text(1, 100),
      description: optional(text(0, 500)),
      tags: byDefault(json(), '[]'),
      state: byDefault(oneOf('running', 'idle', 'stopped', 'failed'), 'idle'),
      state_reason: optional(text(0, 500)),
      state_changed_at: time(),
      desired_state: byDefault(oneOf('running', 'stopped'), 'running'),
      last_seen_at: optional(time()),
      created_at: time(),
      updated_at: time(),
    },
    primaryKey: ['id'],
    indexes: {
      created: { columns: ['created_at', 'id'] },
      silent: { columns: ['last_seen_at'], where: "state = 'running'" },
    },
  },
  {
    name: 'agent_providers',
    columns: {
      agent_id: references('agents', 'id', 'cascade'),
      provider_id: references('providers', 'id', 'cascade'),
      position: count(),
      assigned_at: time(),
    },
    primaryKey: ['agent_id', 'provider_id'],
    indexes: {
      order: { columns: ['agent_id', 'position'], unique: true },
      provider: { columns: ['provider_id'] },
    },
    clustered: true,
  },
  {
    name: 'ic_tokens',
    columns: {
      id: id(),
      agent_id: references('agents'),
      token_hash: hash(),
      permissions: json(),
      created_at: time(),
      created_by: id(),
      expires_at: optional(time()),
      last_used_at: optional(time()),
      revoked_at: optional(time()),
      revoked_by: optional(id()),
    },
    primaryKey: ['id'],
    indexes: {
      token_hash: { columns: ['token_hash'], unique: true },
      live: { columns: ['agent_id'], unique: true, where: 'revoked_at IS NULL' },
      agent: { columns: ['agent_id', 'created_at'] },
    },
  },
]
