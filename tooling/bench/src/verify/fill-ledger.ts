/**
 * Ledgers that verify, as runtimes leave them: an allocation, then lease after lease with its grant, its calls and its release. Written
 * past the services, which would take minutes for a million rows; the hashes are computed here from the description in data-model
 * and rulings R7, so that a verification that finds nothing has been checked by a second program.
 */
import { createHash } from 'node:crypto'
import { type IronDatabase, recomputeKeptSums, type WriteTx } from '@iron/database'
import { withoutTriggers } from '../without-triggers.ts'

/** Ledger rows of one agent. */
const ROWS_OF_AGENT = 10_000
/** Calls on one lease; with its grant and its release there are two more rows. */
const CALLS_OF_LEASE = 97
/** What a call costs, and what a lease gives back, in microdollars. */
const COST = 1_500
const LEFT = 4_500
const GRANTED = CALLS_OF_LEASE * COST + LEFT
/** When the first row was written, epoch ms. */
const BEGAN_AT = Date.UTC(2026, 0, 1)
/** Rows of one INSERT. */
const ROWS_AT_ONCE = 500
const FILL_TIMEOUT_MS = 600_000

type Value = string | number | null
type Row = Readonly<Record<string, Value>>

/** Fills an empty database. @returns the ledger rows that are there now */
export async function fillLedger(db: IronDatabase, rows: number): Promise<number> {
  let written = 0
  await withoutTriggers(db, async () => {
    for (let agent = 0; written < rows; agent += 1) {
      written += await db.write((tx) => fillAgent(tx, idOf('agent', agent)), { timeoutMs: FILL_TIMEOUT_MS })
    }
  })
  await recomputeKeptSums(db, { timeoutMs: FILL_TIMEOUT_MS })
  return written
}

async function fillAgent(tx: WriteTx, agentId: string): Promise<number> {
  const books = new Books(agentId)
  books.add('allocate', ROWS_OF_AGENT * GRANTED, null, null)
  const leases: Row[] = []
  const keys: Row[] = []
  for (let lease = 0; books.rows.length + CALLS_OF_LEASE + 2 <= ROWS_OF_AGENT; lease += 1) {
    const leaseId = `lease_${agentId.slice('agent_'.length)}-${String(lease)}`
    books.add('grant', GRANTED, leaseId, null)
    for (let call = 0; call < CALLS_OF_LEASE; call += 1) {
      const requestId = `${String(lease)}.${String(call)}.0190a5c2-7d3e-7b11-9a64`
      books.add('spend', COST, leaseId, requestId)
      keys.push(keyOf(agentId, leaseId, requestId))
    }
    books.add('release', LEFT, leaseId, null)
    leases.push(leaseOf(agentId, leaseId))
  }
  await insert(tx, 'agent_budgets', [books.budget()])
  await insert(tx, 'leases', leases)
  await insert(tx, 'ledger_entries', books.rows)
  await insert(tx, 'request_keys', keys)
  return books.rows.length
}

/** One agent's ledger while it is written. */
class Books {
  readonly rows: Row[] = []
  readonly #agentId: string
  #hash = '0'.repeat(64)
  #allocated = 0
  #reserved = 0
  #spent = 0

  constructor(agentId: string) {
    this.#agentId = agentId
  }

  add(type: 'allocate' | 'grant' | 'spend' | 'release', amount: number, leaseId: Value, requestId: Value): void {
    if (type === 'allocate') this.#allocated += amount
    else this.#reserved += type === 'grant' ? amount : -amount
    if (type === 'spend') this.#spent += amount
    const seq = this.rows.length + 1
    // In the order of the names: that is the canonical spelling.
    const row = {
      actor_id: type === 'allocate' ? 'user_bench' : null,
      agent_id: this.#agentId,
      allocated_after: this.#allocated,
      amount_micros: amount,
      budget_request_id: null,
      created_at: BEGAN_AT + seq * 1_000,
      lease_id: leaseId,
      reason: null,
      request_id: requestId,
      reserved_after: this.#reserved,
      seq,
      spent_after: this.#spent,
      type,
      version: 1,
    }
    this.#hash = createHash('sha256')
      .update(this.#hash + JSON.stringify(row))
      .digest('hex')
    this.rows.push({ ...row, hash: this.#hash })
  }

  budget(): Row {
    const at = BEGAN_AT
    return {
      agent_id: this.#agentId,
      owner_id: 'user_bench',
      allocated_micros: this.#allocated,
      reserved_micros: this.#reserved,
      spent_micros: this.#spent,
      version: 1,
      ledger_seq: this.rows.length,
      ledger_hash: this.#hash,
      created_at: at,
      updated_at: at,
    }
  }
}

function leaseOf(agentId: string, id: string): Row {
  return {
    id,
    agent_id: agentId,
    status: 'closed',
    requested_micros: GRANTED,
    granted_micros: GRANTED,
    spent_micros: GRANTED - LEFT,
    released_micros: LEFT,
    created_at: BEGAN_AT,
    expires_at: BEGAN_AT + 1,
    closed_at: BEGAN_AT,
    close_reason: 'lapsed',
  }
}

function keyOf(agentId: string, leaseId: string, requestId: string): Row {
  return {
    subject_id: agentId,
    request_id: requestId,
    id: `req_${requestId}`,
    payload_hash: '0'.repeat(64),
    lease_id: leaseId,
    cost_micros: COST,
    overrun_micros: 0,
    pricing: 'reported',
    late: 0,
  }
}

async function insert(tx: WriteTx, table: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {})
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    const part = rows.slice(from, from + ROWS_AT_ONCE)
    const tuple = `(${columns.map(() => '?').join(', ')})`
    const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${part.map(() => tuple).join(', ')}`
    await tx.execute({ sql, parameters: part.flatMap((row) => columns.map((column) => row[column])) })
  }
}

function idOf(prefix: string, number: number): string {
  return `${prefix}_01900000-0000-7000-8000-${String(number).padStart(12, '0')}`
}
