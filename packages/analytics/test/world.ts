/** What every test of this package starts from: an empty database, the log that writes calls, and people who own things. */
import type { Microdollars } from '@iron/cost-calculator'
import { createTestDb, enginesForTests, type TestDb, type TestDbOptions } from '@iron/database/testing'
import { type NewCall, readProgress, RequestLog } from '@iron/journal'
import { Analytics, type AnalyticsOptions } from '../src/index.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** SQLite in memory, SQLite in a file with its reader threads, PostgreSQL. */
export const PLACES: readonly TestDbOptions[] = (await enginesForTests()).flatMap((dialect): TestDbOptions[] =>
  dialect === 'sqlite'
    ? [
        { dialect, storage: 'memory' },
        { dialect, storage: 'file' },
      ]
    : [{ dialect }],
)

/** A database, the log and the questions. */
export interface World extends AsyncDisposable {
  readonly test: TestDb
  readonly clock: TestDb['clock']
  readonly requests: RequestLog
  readonly analytics: Analytics
  user(id: string, name?: string | null): Promise<void>
  /** An agent's budget; with a name also the agent. */
  agent(id: string, about: { owner?: string | null; name?: string; allocated?: number }): Promise<void>
  token(id: string, about: { owner: string; project?: string | null }): Promise<void>
  /** Moves on until everything before this moment is rolled up. */
  rollUp(): Promise<void>
  /** Makes what is rolled up as it was before roll-ups counted single costs. */
  forgetCosts(): Promise<void>
}

export async function openWorld(options: TestDbOptions = {}, analytics: AnalyticsOptions = {}): Promise<World> {
  const test = await createTestDb(options)
  const { clock } = test
  const requests = new RequestLog(test.db)
  const insert = async (table: string, row: Readonly<Record<string, string | number | null>>): Promise<void> => {
    const columns = Object.keys(row)
    const values = columns.map(() => '?').join(', ')
    await test.rows(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${values})`, ...Object.values(row))
  }
  const now = (): { created_at: number; updated_at: number } => ({ created_at: clock.now(), updated_at: clock.now() })
  return {
    test,
    clock,
    requests,
    analytics: new Analytics(test.db, analytics),
    user: (id, name = null) => insert('users', { id, username: id, username_key: id, name, role: 'user', ...now() }),
    agent: async (id, { owner = null, name, allocated = 0 }) => {
      await insert('agent_budgets', { agent_id: id, owner_id: owner, allocated_micros: allocated, ...now() })
      if (name !== undefined) await insert('agents', { id, name, state_changed_at: clock.now(), ...now() })
    },
    token: (id, { owner, project = null }) =>
      insert('api_tokens', {
        id,
        owner_id: owner,
        name: `name of ${id}`,
        project_id: project,
        created_at: clock.now(),
      }),
    rollUp: async () => {
      clock.advance(HOUR + 5 * MINUTE)
      while ((await requests.rollUp()) > 0);
    },
    forgetCosts: async () => {
      for (const table of ['request_rollups', 'request_sums']) await test.rows(`UPDATE ${table} SET costs = '{}'`)
      await test.rows("DELETE FROM meta WHERE key = 'rollup.costs'")
      const { rolledHour } = await test.db.read(readProgress)
      await insert('meta', { key: 'rollup.costs', value: String(rolledHour + HOUR) })
    },
    [Symbol.asyncDispose]: () => test.close(),
  }
}

/** A call that only telemetry has told of, unless said otherwise: it needs no lease. */
export function call(about: Partial<Omit<NewCall, 'cost'>> & { readonly cost?: number }): NewCall {
  const { cost = 0, ...rest } = about
  return { ...rest, cost: micro(cost), ...(rest.tokenId === undefined && { agentId: rest.agentId ?? 'a' }) }
}

/** A call of an agent that was charged to a budget. */
export function billed(
  about: Partial<Omit<NewCall, 'cost'>> & { readonly cost?: number; readonly requestId: string },
): NewCall {
  return call({ ...about, leaseId: 'lease', billed: true })
}

export function micro(amount: number): Microdollars {
  return amount as Microdollars
}
