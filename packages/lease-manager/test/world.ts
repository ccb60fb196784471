/** What every test of this package starts from: an empty database, the three services on it, and a clock that the test moves. */
import { usd } from '@iron/cost-calculator'
import { type LeaseManagerOptions, AgentBudgetManager, LeaseManager, Ledger, LeaseError } from '../src/index.ts'
import { RequestLog } from '@iron/journal'
import { createTestDb, type TestDb, type TestDbOptions } from '@iron/database/testing'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const ADMIN = 'user-admin'

/** A database and the services on it. */
export interface World extends AsyncDisposable {
  readonly test: TestDb
  readonly clock: TestDb['clock']
  readonly budgets: AgentBudgetManager
  readonly leases: LeaseManager
  readonly ledger: Ledger
  readonly requests: RequestLog
}

export async function openWorld(
  options: TestDbOptions & { readonly leases?: LeaseManagerOptions } = {},
): Promise<World> {
  const test = await createTestDb(options)
  return {
    test,
    clock: test.clock,
    budgets: new AgentBudgetManager(test.db, { ttlMs: options.leases?.ttlMs, graceMs: options.leases?.graceMs }),
    leases: new LeaseManager(test.db, options.leases),
    ledger: new Ledger(test.db),
    requests: new RequestLog(test.db),
    [Symbol.asyncDispose]: () => test.close(),
  }
}

/** A call that names its cost. */
export function call(requestId: string, costUsd: number) {
  return { requestId, model: 'gpt-4o', cost: usd(costUsd) }
}

/** Balances in US dollars, in the order of the worked example: A, V, S, M. */
export function usdOf(balance: {
  readonly allocated: number
  readonly reserved: number
  readonly spent: number
  readonly available: number
}) {
  return [balance.allocated, balance.reserved, balance.spent, balance.available].map((micros) => micros / 1_000_000)
}

/** The code a promise is refused with; fails when it is not refused by this package. */
export async function refusal(promise: Promise<unknown>): Promise<LeaseError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof LeaseError) return error
    throw error
  }
  throw new Error('the call was not refused')
}

/** Everything that money and leases are made of, for comparing a state with itself. */
export async function moneyState({ test }: World): Promise<unknown> {
  return {
    budgets: await test.rows('SELECT * FROM agent_budgets ORDER BY agent_id'),
    leases: await test.rows('SELECT * FROM leases ORDER BY id'),
    ledger: await test.rows('SELECT * FROM ledger_entries ORDER BY agent_id, seq'),
    requests: await test.rows('SELECT * FROM requests ORDER BY id'),
    events: await test.scalar('SELECT COUNT(*) FROM events'),
    audit: await test.scalar('SELECT COUNT(*) FROM audit_log'),
  }
}

/** The types and data of an agent's events, oldest first. */
export async function eventsOf(
  { test }: World,
  agentId: string,
): Promise<{ readonly type: string; readonly data: Record<string, unknown> }[]> {
  const rows = await test.rows<{ type: string; data: string }>(
    'SELECT type, data FROM events WHERE agent_id = ? ORDER BY seq',
    agentId,
  )
  return rows.map(({ type, data }) => ({ type, data: JSON.parse(data) as Record<string, unknown> }))
}

/** How often each operation was audited. */
export async function auditCounts({ test }: World): Promise<Record<string, number>> {
  const rows = await test.rows<{ operation: string; n: number }>(
    'SELECT operation, COUNT(*) AS n FROM audit_log GROUP BY operation',
  )
  return Object.fromEntries(rows.map(({ operation, n }) => [operation, n]))
}
