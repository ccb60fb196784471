/** What the database holds, read past all services, in the words of the model. */
import type { IronDatabase, ReadTx } from '@iron/database'
import { Told } from '../model/told.ts'

/** Rows of the mutable tables, one text a row, sorted. */
export interface State {
  readonly budgets: readonly string[]
  readonly leases: readonly string[]
  readonly counters: readonly string[]
  readonly requests: readonly string[]
}

export class StoredBooks {
  readonly #db: IronDatabase
  #auditSeq = 0
  #eventSeq = 0
  readonly #last = new Map<string, LedgerRow>()

  constructor(db: IronDatabase) {
    this.#db = db
  }

  /** The state now, and what was appended since the last call; a broken ledger row is named as fault. */
  read(): Promise<{
    readonly state: State
    readonly told: ReturnType<Told['take']>
    readonly fault: string | undefined
  }> {
    return this.#db.read(async (tx) => {
      const told = new Told()
      const fault = await this.#ledger(tx, told)
      await this.#audit(tx, told)
      await this.#events(tx, told)
      return { state: await stateOf(tx), told: told.take(), fault }
    })
  }

  /** New ledger rows: I3, I4, I5 and I12 row by row, with arithmetic of its own. */
  async #ledger(tx: ReadTx, told: Told): Promise<string | undefined> {
    const agents = await all<{ agent_id: string; ledger_seq: number }>(
      tx,
      'SELECT agent_id, ledger_seq FROM agent_budgets',
    )
    for (const agent of agents) {
      const before = this.#last.get(agent.agent_id) ?? { ...EMPTY, agent_id: agent.agent_id }
      if (before.seq === agent.ledger_seq) continue
      const rows = await all<LedgerRow>(tx, NEW_ROWS, agent.agent_id, before.seq)
      let last = before
      for (const row of rows) {
        const fault = faultOf(last, row)
        if (fault !== undefined) return `${fault}: ${row.agent_id} row ${row.seq}`
        last = row
        const { agent_id, type, amount_micros, lease_id, request_id } = row
        told.ledger.push(`${agent_id} ${type} ${amount_micros} ${lease_id ?? '-'} ${request_id ?? '-'}`)
      }
      if (last.seq !== agent.ledger_seq) return `I4: ${agent.agent_id} ends at row ${last.seq}`
      this.#last.set(agent.agent_id, last)
    }
    return undefined
  }

  async #audit(tx: ReadTx, told: Told): Promise<void> {
    const rows = await all<{ seq: number; operation: string; resource_id: string }>(
      tx,
      'SELECT seq, operation, resource_id FROM audit_log WHERE seq > ? ORDER BY seq',
      this.#auditSeq,
    )
    for (const { seq, operation, resource_id } of rows) {
      this.#auditSeq = seq
      if (operation === 'PROVIDER_KEY_DISCLOSED') told.audit.push(operation)
      else if (AUDITED.test(operation)) told.audit.push(`${operation} ${resource_id}`)
    }
  }

  async #events(tx: ReadTx, told: Told): Promise<void> {
    const rows = await all<{ seq: number; type: string; agent_id: string; data: string }>(
      tx,
      `SELECT seq, type, agent_id, CASE WHEN type LIKE 'request.%' THEN '{}' ELSE data END AS data
       FROM events WHERE seq > ? ORDER BY seq`,
      this.#eventSeq,
    )
    for (const { seq, type, agent_id, data } of rows) {
      this.#eventSeq = seq
      const facts = JSON.parse(data) as Record<string, unknown>
      const shown = SHOWN[type]
      if (shown !== undefined) told.events.push(`${type} ${shown(facts, agent_id)}`)
    }
  }
}

interface LedgerRow {
  readonly agent_id: string
  readonly seq: number
  readonly type: string
  readonly amount_micros: number
  readonly lease_id: string | null
  readonly request_id: string | null
  readonly version: number
  readonly allocated_after: number
  readonly reserved_after: number
  readonly spent_after: number
}

const EMPTY: Omit<LedgerRow, 'agent_id'> = {
  ...{ seq: 0, type: '', amount_micros: 0, lease_id: null, request_id: null, version: 0 },
  ...{ allocated_after: 0, reserved_after: 0, spent_after: 0 },
}

const NEW_ROWS = `
  SELECT agent_id, seq, type, amount_micros, lease_id, request_id, version, allocated_after, reserved_after, spent_after
  FROM ledger_entries WHERE agent_id = ? AND seq > ? ORDER BY seq`

/** What each movement adds to A, V and S (budget protocol 3.2). */
const EFFECTS: Readonly<Record<string, readonly [number, number, number]>> = {
  allocate: [1, 0, 0],
  deallocate: [-1, 0, 0],
  grant: [0, 1, 0],
  release: [0, -1, 0],
  spend: [0, -1, 1],
  overrun: [0, 0, 1],
  adjust: [0, 0, -1],
}

function faultOf(before: LedgerRow, row: LedgerRow): string | undefined {
  const [a, v, s] = EFFECTS[row.type] ?? [NaN, NaN, NaN]
  const { amount_micros: amount, allocated_after: allocated, reserved_after: reserved, spent_after: spent } = row
  if (row.seq !== before.seq + 1) return 'I4'
  if (amount <= 0) return 'I1'
  const isNext =
    allocated === before.allocated_after + a * amount &&
    reserved === before.reserved_after + v * amount &&
    spent === before.spent_after + s * amount &&
    row.version === before.version + Math.abs(a)
  if (!isNext) return 'I5'
  if (allocated < 0 || reserved < 0 || spent < 0) return 'I1'
  if ((row.type === 'grant' || row.type === 'deallocate') && reserved + spent > allocated) return 'I12'
  return undefined
}

const AUDITED = /^(LEASE_|USAGE_OVERRUN|BUDGET_)/

/** What of an event is looked at. */
const SHOWN: Readonly<Record<string, (facts: Record<string, unknown>, agentId: string) => string>> = {
  'lease.granted': (facts) => String(facts.lease_id),
  'lease.closed': (facts) => `${String(facts.lease_id)} ${String(facts.close_reason)}`,
  'budget.threshold_reached': (facts, agentId) =>
    `${agentId} v${String(facts.allocation_version)} ${String(facts.threshold)}`,
  'budget.exhausted': (_, agentId) => agentId,
  'budget.changed': (_, agentId) => agentId,
}

async function stateOf(tx: ReadTx): Promise<State> {
  return {
    budgets: await lines(tx, BUDGETS),
    leases: await lines(tx, LEASES),
    counters: await lines(tx, COUNTERS),
    requests: await lines(tx, REQUESTS),
  }
}

/** Every statement gives one column `line`. */
const BUDGETS = `
  SELECT concat_ws(' ', agent_id, owner_id, allocated_micros, reserved_micros, spent_micros, 'v' || version, ledger_seq,
    alerted_percent, archived_at IS NOT NULL) AS line
  FROM agent_budgets ORDER BY agent_id`
const LEASES = `
  SELECT concat_ws(' ', id, agent_id, status, coalesce(close_reason, '-'), granted_micros, spent_micros, overrun_micros,
    released_micros, unreported_micros, expires_at, returned_at IS NOT NULL) AS line
  FROM leases ORDER BY id`
const COUNTERS = `
  SELECT concat_ws(' ', owner_id, metric, window_start, used) AS line FROM limit_counters
  WHERE project_id = '' ORDER BY owner_id, metric, window_start`
const REQUESTS = `SELECT id || ' ' || status AS line FROM budget_requests ORDER BY id`

async function lines(tx: ReadTx, sql: string): Promise<string[]> {
  return (await all<{ line: string }>(tx, sql)).map(({ line }) => line)
}

async function all<R>(tx: ReadTx, sql: string, ...parameters: unknown[]): Promise<R[]> {
  return (await tx.execute<R>({ sql, parameters })).rows
}
