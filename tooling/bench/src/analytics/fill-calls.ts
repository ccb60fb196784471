/**
 * Millions of calls of known agents, written by SQL that makes a hundred thousand rows at a time, and then rolled up and summed
 * by the package itself.
 */
import type { DialectName, IronDatabase } from '@iron/database'
import { DAY_MS, hourOf, RequestLog } from '@iron/journal'
import { withoutTriggers } from '../without-triggers.ts'

/** Days over which the calls lie: as long as single calls are kept. */
export const DAYS = 89
/** Rows written by one statement, in one transaction. */
const ROWS_AT_ONCE = 100_000
/** Hours per roll-up call. */
const HOURS_AT_ONCE = 1_000_000

const HASH = "'" + '0'.repeat(64) + "'"

/** How long what took, in seconds. */
export interface Filled {
  readonly callsSeconds: number
  readonly rollUpSeconds: number
  readonly hours: number
  /** Differences between the stored roll-ups and a recomputation, over the last day. */
  readonly differences: number
}

/** Writes `calls` calls of the agents, evenly spread over {@link DAYS} days before now. */
export async function fillCalls(db: IronDatabase, agents: readonly string[], calls: number): Promise<Filled> {
  const to = Date.now()
  const from = hourOf(to - DAYS * DAY_MS)
  const began = performance.now()
  await withoutTriggers(db, async (run) => {
    await run('CREATE TABLE bench_agents (position bigint PRIMARY KEY, id text NOT NULL)')
    const rows = agents.map((id, position) => `(${String(position)}, '${id}')`)
    await run(`INSERT INTO bench_agents VALUES ${rows.join(', ')}`)
    for (let first = 0; first < calls; first += ROWS_AT_ONCE) {
      const last = Math.min(first + ROWS_AT_ONCE, calls) - 1
      await run(callsSql(db.dialect, { first, last, agents: agents.length, from, everyMs: (to - from) / calls }))
    }
    await run('DROP TABLE bench_agents')
  })
  const filled = performance.now()
  const requests = new RequestLog(db)
  const hours = await requests.rollUp({ limit: HOURS_AT_ONCE })
  const rolled = performance.now()
  const check = await requests.verifyRollups({ from: hourOf(to) - DAY_MS })
  return {
    callsSeconds: (filled - began) / 1_000,
    rollUpSeconds: (rolled - filled) / 1_000,
    hours,
    differences: check.differences + check.sumDifferences,
  }
}

interface Rows {
  readonly first: number
  readonly last: number
  readonly agents: number
  readonly from: number
  readonly everyMs: number
}

/** Calls number `first` to `last`: pseudo-random in agent, model, cost and latency, reproducible, most of them billed. */
function callsSql(dialect: DialectName, { first, last, agents, from, everyMs }: Rows): string {
  const numbers =
    dialect === 'sqlite'
      ? `(WITH RECURSIVE n(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM n WHERE i < ${last}) SELECT i FROM n)`
      : `generate_series(${first}::bigint, ${last}) AS n(i)`
  const random = `(i * 2654435761 % 4294967296)`
  const at = `CAST(${from} + i * ${everyMs} AS bigint)`
  const billed = 'CASE WHEN r % 20 = 0 THEN 0 ELSE 1 END'
  const columns = {
    id: `'req_bench-' || i`,
    source: `'agent'`,
    subject_id: 'a.id',
    request_id: `'call-' || i`,
    payload_hash: `CASE WHEN ${billed} = 1 THEN ${HASH} END`,
    lease_id: `CASE WHEN ${billed} = 1 THEN 'lease_bench-' || (i / 1000) END`,
    provider: `CASE r / 8 % 8 WHEN 0 THEN 'anthropic' WHEN 1 THEN 'google' ELSE 'openai' END`,
    model: `CASE r / 8 % 8 WHEN 0 THEN 'claude' WHEN 1 THEN 'gemini' WHEN 2 THEN 'gpt-4o' ELSE 'gpt-4o-mini' END`,
    outcome: `CASE WHEN r % 33 = 0 THEN 'failed' ELSE 'completed' END`,
    input_tokens: 'r % 4000',
    output_tokens: 'r % 700',
    total_tokens: 'r % 4000 + r % 700',
    cost_micros: 'r % 49999',
    pricing: `'reported'`,
    billed,
    latency_ms: '50 + (r % 71) * (r % 67)',
    at,
    received_at: at,
  }
  return `
    INSERT INTO requests (${Object.keys(columns).join(', ')})
    SELECT ${Object.values(columns).join(', ')}
    FROM (SELECT i, ${random} AS r FROM ${numbers} ${dialect === 'sqlite' ? 'AS n' : ''}) AS drawn JOIN bench_agents a ON a.position = r / 64 % ${agents}`
}
