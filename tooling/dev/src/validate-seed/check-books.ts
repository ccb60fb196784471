/** Whether the figures of a seeded database follow from its facts: ledger, audit chain, roll-ups, counters and thresholds. */
import type { IronDatabase, ServiceOptions, Violation } from '@iron/database'
import { AuditLog, RequestLog } from '@iron/journal'
import { Ledger } from '@iron/lease-manager'

/** The verifications that the packages offer. */
export async function checkBooks(db: IronDatabase, at: ServiceOptions, hmacKey?: Uint8Array): Promise<Violation[]> {
  const findings: Violation[] = []
  for (const { agentId, seq, what, cached, ledger } of await new Ledger(db, at).verify({ readOnly: true })) {
    const place = seq === null ? '' : `row ${String(seq)}: `
    findings.push({
      rule: 'ledger',
      where: agentId,
      text: `${place}${what} ${String(cached)}, by the ledger ${String(ledger)}`,
    })
  }
  const audit = await new AuditLog(db, { ...at, hmacKey }).verify()
  if (!audit.ok) findings.push({ rule: 'audit', where: `entry ${String(audit.seq)}`, text: `is ${audit.fault}` })
  const { differences } = await new RequestLog(db, at).verifyRollups()
  if (differences > 0) {
    findings.push({
      rule: 'roll-up',
      where: 'request_rollups',
      text: `${String(differences)} rows differ from their calls`,
    })
  }
  return findings
}

/** One use of money or tokens that is counted. */
interface Use {
  readonly owner: string
  readonly project: string
  readonly at: number
  readonly tokens: number
  readonly requests: number
  readonly cost: number
}

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** The counters of usage limits, summed up anew from the call log; what agents spent, from their ledgers. */
export async function checkCounters(db: IronDatabase): Promise<Violation[]> {
  const wanted = new Map<string, number>()
  for (const use of await usesOf(db)) {
    const date = new Date(use.at)
    const amounts = [
      ['tokens_per_day', Math.floor(use.at / DAY_MS) * DAY_MS, use.tokens],
      ['requests_per_minute', Math.floor(use.at / MINUTE_MS) * MINUTE_MS, use.requests],
      ['cost_per_month', Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1), use.cost],
    ] as const
    for (const project of use.project === '' ? [''] : ['', use.project]) {
      for (const [metric, start, amount] of amounts.filter(([, , sum]) => sum > 0)) {
        const key = [use.owner, project, metric, start].join(' ')
        wanted.set(key, (wanted.get(key) ?? 0) + amount)
      }
    }
  }
  const counters = await db.read(({ sql }) => sql.selectFrom('limit_counters').selectAll().execute())
  const found = new Map(
    counters.map((row) => [[row.owner_id, row.project_id, row.metric, row.window_start].join(' '), row.used]),
  )
  return [...new Set([...wanted.keys(), ...found.keys()])]
    .filter((key) => found.get(key) !== wanted.get(key))
    .map((key) => ({
      rule: 'counter',
      where: key,
      text: `is ${String(found.get(key) ?? 'missing')}, recorded usage sums up to ${String(wanted.get(key) ?? 0)}`,
    }))
}

async function usesOf(db: IronDatabase): Promise<Use[]> {
  return db.read(async ({ sql }) => {
    const tokens = new Map((await sql.selectFrom('api_tokens').selectAll().execute()).map((row) => [row.id, row]))
    const owners = new Map(
      (await sql.selectFrom('agent_budgets').select(['agent_id', 'owner_id']).execute()).map((row) => [
        row.agent_id,
        row.owner_id,
      ]),
    )
    const calls = await sql.selectFrom('requests').selectAll().where('billed', '=', 1).execute()
    const spends = await sql
      .selectFrom('ledger_entries')
      .selectAll()
      .where('type', 'in', ['spend', 'overrun'])
      .execute()
    return [
      ...calls.map((call): Use => {
        const token = tokens.get(call.subject_id)
        return {
          owner: token?.owner_id ?? owners.get(call.subject_id) ?? '',
          project: token?.project_id ?? '',
          at: call.received_at,
          tokens: call.total_tokens,
          requests: 1,
          cost: token === undefined ? 0 : call.cost_micros,
        }
      }),
      ...spends.map((row): Use => {
        const owner = owners.get(row.agent_id) ?? ''
        return { owner, project: '', at: row.created_at, tokens: 0, requests: 0, cost: row.amount_micros }
      }),
    ]
  })
}

/** How often each threshold of each agent was announced, held against the story. */
export async function checkThresholds(live: IronDatabase, expected: IronDatabase): Promise<Violation[]> {
  const [found, wanted] = [await announcementsOf(live), await announcementsOf(expected)]
  return [...new Set([...found.keys(), ...wanted.keys()])]
    .filter((key) => found.get(key) !== wanted.get(key))
    .map((key) => ({
      rule: 'threshold',
      where: key,
      text: `was announced ${String(found.get(key) ?? 0)} times, not ${String(wanted.get(key) ?? 0)}`,
    }))
}

async function announcementsOf(db: IronDatabase): Promise<Map<string, number>> {
  const types = ['budget.threshold_reached', 'budget.exhausted'] as const
  const rows = await db.read(({ sql }) =>
    sql.selectFrom('events').select(['agent_id', 'type', 'data']).where('type', 'in', types).execute(),
  )
  const counts = new Map<string, number>()
  for (const { agent_id: agentId, type, data } of rows) {
    const { threshold = '' } = JSON.parse(data) as { threshold?: number }
    const key = `${agentId} ${type} ${String(threshold)}`.trimEnd()
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}
