/**
 * A world of many agents, written by SQL that makes a hundred thousand rows at a time: what lists read is there and fits
 * together, the hash chains are not. Sizes grow with the number of agents; what one owner has does not, but for one who has half of them.
 */
import { type DialectName, type IronDatabase, recomputeKeptSums } from '@iron/database'
import { RequestLog } from '@iron/journal'
import { withoutTriggers } from '../without-triggers.ts'

/** Ledger rows of an agent, on average. */
const LEDGER_ROWS = 10
/** Agents of an owner, but for the one of half of them. */
const AGENTS_OF_OWNER = 10
/** The share of all ledger rows and leases that belongs to the first agent, which has a long history. */
const SHARE_OF_FIRST = 10
/** Rows written by one statement, in one transaction. */
const ROWS_AT_ONCE = 100_000
/** How long the statistics, and the sums, may take, in milliseconds. */
const SLOW_MS = 300_000
/** When the first agent was made, epoch ms. */
const BEGAN_AT = Date.UTC(2026, 0, 1)
const HASH = "'" + '0'.repeat(64) + "'"

/** Names of rows that lists are asked about. */
export const FIRST_AGENT = idOf('agent', 0)
export const ONE_USER = idOf('user', 1)
/** Who owns half of all agents. */
export const MAIN_USER = idOf('user', 0)
export const ONE_LEASE = idOf('lease', 0)
export const ONE_PROVIDER = idOf('prov', 1)
export const ONE_TOKEN = idOf('tok', 10)
/** The seconds in which most of every world's rows were made, as a range of times. */
export const EARLY = { from: BEGAN_AT, to: BEGAN_AT + 500_000 } as const

function idOf(prefix: string, number: number): string {
  return `${prefix}_01900000-0000-7000-8000-${String(number).padStart(12, '0')}`
}

interface Rows {
  readonly table: string
  readonly columns: string
  /** Of row number `i`. */
  readonly values: string
  readonly count: number
}

/** Every table's rows, parents first. */
function rowsOf(agents: number, dialect: DialectName): readonly Rows[] {
  const users = agents / AGENTS_OF_OWNER
  const id = (prefix: string, number: string): string =>
    dialect === 'sqlite'
      ? `printf('${prefix}_01900000-0000-7000-8000-%012d', ${number})`
      : `'${prefix}_01900000-0000-7000-8000-' || lpad((${number})::text, 12, '0')`
  // Every fifth is as old as the one before it: ties happen.
  const at = `${BEGAN_AT} + (i - (CASE WHEN i % 5 = 0 AND i > 0 THEN 1 ELSE 0 END)) * 1000`
  const ledger = agents * LEDGER_ROWS
  const leases = agents * 2
  const ofFirst = (rows: number): number => rows / SHARE_OF_FIRST
  const agentOf = (rows: number): string => `CASE WHEN i < ${ofFirst(rows)} THEN 0 ELSE 1 + i % ${agents - 1} END`
  const seq = `CASE WHEN i < ${ofFirst(ledger)} THEN i + 1 ELSE 1 + i / ${agents - 1} END`
  // The leases that an agent may hold at once are few (rulings R6).
  const open = `i % 10 = 0 AND (i < 50 OR i >= ${ofFirst(leases)})`
  const change = `(${seq}) % 5 = 1`
  const rowsNamed = (table: string, count: number, columns: Readonly<Record<string, string>>): Rows => ({
    table,
    count,
    columns: Object.keys(columns).join(', '),
    values: Object.values(columns).join(', '),
  })
  return [
    rowsNamed('users', users, {
      id: id('user', 'i'),
      username: `'User' || i`,
      username_key: `'user' || i`,
      email: `'user' || ((i * 7919) % ${users}) || '@bench.test'`,
      name: `'Person ' || (i % 97)`,
      role: `CASE WHEN i = 0 THEN 'admin' WHEN i % 3 = 0 THEN 'viewer' ELSE 'user' END`,
      last_login_at: `CASE WHEN i % 4 = 0 THEN NULL ELSE ${at} END`,
      suspended_at: `CASE WHEN i % 50 = 3 THEN ${at} END`,
      suspended_by: `CASE WHEN i % 50 = 3 THEN 'admin' END`,
      deleted_at: `CASE WHEN i % 50 = 7 THEN ${at} END`,
      deleted_by: `CASE WHEN i % 50 = 7 THEN 'admin' END`,
      created_at: at,
      updated_at: at,
    }),
    rowsNamed('sessions', users * 2, {
      id: id('sess', 'i'),
      user_id: id('user', `i % ${users}`),
      refresh_hash: HASH,
      created_at: at,
      refreshed_at: at,
      expires_at: '9000000000000',
    }),
    rowsNamed('api_tokens', agents / 2, {
      id: id('tok', 'i'),
      owner_id: id('user', `i % ${users}`),
      name: `'token ' || ((i * 7919) % 99991)`,
      project_id: `CASE WHEN i % 2 = 0 THEN 'project-' || (i % 20) END`,
      created_at: at,
      expires_at: `CASE WHEN i % 3 = 0 THEN ${at} + 1 END`,
      last_used_at: `CASE WHEN i % 4 <> 0 THEN ${at} END`,
      revoked_at: `CASE WHEN i % 10 = 9 THEN ${at} END`,
      revoked_by: `CASE WHEN i % 10 = 9 THEN 'admin' END`,
    }),
    rowsNamed('api_token_secrets', agents / 2, {
      token_hash:
        dialect === 'sqlite' ? `printf('%064d', i * 7919 % 999983)` : `lpad((i * 7919 % 999983)::text, 64, '0')`,
      token_id: id('tok', 'i'),
      hint: `'…abcd'`,
      created_at: at,
    }),
    rowsNamed('limits', users, {
      id: id('lim', 'i'),
      owner_id: id('user', 'i'),
      max_tokens_per_day: '1000',
      created_at: at,
      updated_at: at,
    }),
    rowsNamed('providers', agents / 100, {
      id: id('prov', 'i'),
      name: `'provider-' || ((i * 7919) % 99991)`,
      kind: `'openai'`,
      base_url: `'https://api.openai.com/v1'`,
      models: `'["gpt-4o"]'`,
      status: `CASE WHEN i % 10 = 3 THEN 'disabled' ELSE 'active' END`,
      created_at: at,
      updated_at: at,
    }),
    rowsNamed('provider_keys', agents / 20, {
      id: id('key', 'i'),
      provider_id: id('prov', 'i / 5'),
      status: `CASE WHEN i % 5 = 4 THEN 'active' ELSE 'retired' END`,
      sealed: `'a:b:c'`,
      vault_key_id: `'k1'`,
      masked: `'sk-…abcd'`,
      created_at: at,
      created_by: `'admin'`,
      last_used_at: `CASE WHEN i % 3 = 0 THEN ${at} END`,
      retired_at: `CASE WHEN i % 5 <> 4 THEN ${at} END`,
    }),
    rowsNamed('agent_budgets', agents, {
      agent_id: id('agent', 'i'),
      owner_id: id('user', `CASE WHEN i % 2 = 0 THEN 0 ELSE i % ${users} END`),
      allocated_micros: '(i % 1000) * 1000000',
      spent_micros: '(i * 7919 % 1000) * 500000',
      version: '2',
      ledger_seq: String(LEDGER_ROWS),
      archived_at: `CASE WHEN i % 20 = 7 THEN ${at} END`,
      created_at: at,
      updated_at: at,
    }),
    rowsNamed('agents', agents, {
      id: id('agent', 'i'),
      name: `'Agent ' || ((i * 7919) % 99991)`,
      tags: `CASE WHEN i % 100 = 1 THEN '["rare"]' ELSE '["batch","eu"]' END`,
      state: `CASE WHEN i % 20 = 7 THEN 'stopped' ELSE CASE i % 4 WHEN 0 THEN 'running' WHEN 1 THEN 'idle' WHEN 2 THEN 'stopped' ELSE 'failed' END END`,
      state_changed_at: at,
      created_at: at,
      updated_at: `${BEGAN_AT} + (i * 7919 % ${agents}) * 1000`,
    }),
    rowsNamed('agent_providers', agents, {
      agent_id: id('agent', 'i'),
      provider_id: id('prov', `i % ${agents / 100}`),
      position: '0',
      assigned_at: at,
    }),
    rowsNamed('leases', leases, {
      id: id('lease', 'i'),
      agent_id: id('agent', agentOf(leases)),
      status: `CASE WHEN ${open} THEN 'active' ELSE 'revoked' END`,
      requested_micros: '1000000',
      granted_micros: '1000000',
      spent_micros: `CASE WHEN ${open} THEN 0 ELSE 1000000 END`,
      created_at: at,
      expires_at: `CASE WHEN i % 20 = 0 THEN 9000000000000 ELSE ${at} + 1000 END`,
      closed_at: `CASE WHEN NOT (${open}) THEN ${at} END`,
      close_reason: `CASE WHEN NOT (${open}) THEN 'revoked' END`,
    }),
    rowsNamed('ledger_entries', ledger, {
      agent_id: id('agent', agentOf(ledger)),
      seq,
      type: `CASE WHEN ${change} THEN 'allocate' ELSE 'grant' END`,
      amount_micros: '1000000',
      lease_id: `CASE WHEN NOT (${change}) THEN ${id('lease', 'i / 5')} END`,
      version: seq,
      allocated_after: '1000000000',
      reserved_after: '0',
      spent_after: '0',
      actor_id: `'admin'`,
      created_at: at,
      hash: HASH,
    }),
    rowsNamed('budget_requests', agents, {
      id: id('breq', 'i'),
      agent_id: id('agent', `i % ${agents}`),
      requester_id: id('user', `i % ${users}`),
      status: `CASE WHEN i % 10 = 0 THEN 'pending' ELSE 'cancelled' END`,
      allocated_micros: '1000000',
      requested_allocated_micros: `2000000 + (i * 7919 % 1000) * 1000000`,
      justification: `'more work than was foreseen'`,
      created_at: at,
      cancelled_at: `CASE WHEN i % 10 <> 0 THEN ${at} END`,
    }),
    rowsNamed('audit_log', agents * 3, {
      seq: 'i + 1',
      id: id('aud', 'i'),
      at,
      actor_type: `'user'`,
      actor_id: id('user', `i % ${users}`),
      actor_user_id: id('user', `i % ${users}`),
      operation: `CASE WHEN i % 3 = 0 THEN 'AGENT_CREATED' WHEN i % 1000 = 1 THEN 'LEASE_REVOKED' ELSE 'LEASE_GRANTED' END`,
      resource_type: `CASE WHEN i % 3 = 0 THEN 'agent' ELSE 'lease' END`,
      resource_id: `CASE WHEN i % 3 = 0 THEN ${id('agent', 'i / 3')} ELSE ${id('lease', 'i / 3')} END`,
      prev_hash: HASH,
      hash: HASH,
    }),
    rowsNamed('events', agents * 3, {
      seq: 'i + 1',
      id: id('evt', 'i'),
      at,
      type: `CASE WHEN i % 1000 = 1 THEN 'budget.exhausted' WHEN i % 2 = 0 THEN 'agent.started' ELSE 'lease.granted' END`,
      agent_id: id('agent', `i % ${agents}`),
      data: `'{}'`,
    }),
    rowsNamed('requests', agents * 3, {
      id: id('req', 'i'),
      source: `CASE WHEN i % 10 = 0 THEN 'api_token' ELSE 'agent' END`,
      subject_id: `CASE WHEN i % 10 = 0 THEN ${id('tok', `i % ${agents / 2}`)} ELSE ${id('agent', `i % ${agents}`)} END`,
      provider: `CASE WHEN i % 1000 = 1 THEN 'anthropic' ELSE 'openai' END`,
      model: `CASE WHEN i % 1000 = 1 THEN 'claude-haiku' WHEN i % 3 = 0 THEN 'gpt-4o-mini' ELSE 'gpt-4o' END`,
      outcome: `CASE WHEN i % 50 = 0 THEN 'failed' WHEN i % 2 = 0 THEN 'completed' END`,
      total_tokens: '100',
      cost_micros: '1000',
      pricing: `'reported'`,
      billed: '0',
      at,
      received_at: at,
    }),
    rowsNamed('spans', agents * 3, {
      trace_id: id('trace', 'i / 3'),
      span_id: `'span-' || (i % 3)`,
      agent_id: id('agent', `i / 3`),
      name: `'call'`,
      status: `'ok'`,
      started_at: at,
      received_at: at,
    }),
  ]
}

/** Whether a database was filled before. */
export async function isFilled(db: IronDatabase): Promise<boolean> {
  const { rows } = await db.read((tx) => tx.execute({ sql: 'SELECT 1 FROM agents LIMIT 1', parameters: [] }))
  return rows.length > 0
}

/** Fills an empty, migrated database. */
export async function fillWorld(db: IronDatabase, agents: number): Promise<void> {
  await withoutTriggers(db, async (run) => {
    for (const { table, columns, values, count } of rowsOf(agents, db.dialect)) {
      for (let from = 0; from < count; from += ROWS_AT_ONCE) {
        const upTo = Math.min(from + ROWS_AT_ONCE, count) - 1
        const numbers =
          db.dialect === 'sqlite'
            ? `(WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${upTo}) SELECT i FROM n)`
            : `generate_series(${from}::bigint, ${upTo}) AS n(i)`
        await run(`INSERT INTO ${table} (${columns}) SELECT ${values} FROM ${numbers}`)
      }
    }
    await run(`UPDATE log_heads SET head_seq = ${agents * 3}`)
  })
  await recomputeKeptSums(db, { timeoutMs: SLOW_MS })
  await analyze(db)
  const calls = new RequestLog(db)
  while ((await calls.rollUp()) > 0);
  await analyze(db)
}

/** PostgreSQL plans by statistics, also what the roll-ups read. */
async function analyze(db: IronDatabase): Promise<void> {
  if (db.dialect === 'sqlite') return
  await db.write((tx) => tx.execute({ sql: 'ANALYZE', parameters: [] }), { timeoutMs: SLOW_MS })
}
