/**
 * Tries what the append-only rules forbid, on rows made for the purpose: reading the trigger's text would prove that it exists,
 * not that it refuses. Everything happens in a transaction that the caller rolls back.
 */
import { sql } from 'kysely'
import type { Microdollars } from '@iron/cost-calculator'
import { DatabaseError } from '../errors.ts'
import type { WriteTx } from '../transaction.ts'

/** Nobody's: the probe's rows are never committed. */
const PROBE = 'validate:schema'
const HASH = 'f'.repeat(64)
const ONE = 1 as Microdollars
const NONE = 0 as Microdollars

/** Tables whose rows are written once (DAT-09). */
const APPEND_ONLY = ['audit_log', 'events', 'ledger_entries', 'request_keys'] as const

/** A statement that must be refused and was not. */
export interface Accepted {
  readonly table: string
  readonly statement: 'UPDATE' | 'DELETE'
}

export async function acceptedForbidden(tx: WriteTx): Promise<Accepted[]> {
  await insertProbes(tx)
  const accepted: Accepted[] = []
  for (const table of APPEND_ONLY) {
    const target = sql.table(table)
    const column = sql.ref(PROBE_COLUMN[table])
    const update = sql`UPDATE ${target} SET ${column} = ${column} WHERE ${column} = ${PROBE}`
    if (await isAccepted(tx, update)) accepted.push({ table, statement: 'UPDATE' })
    if (await isAccepted(tx, sql`DELETE FROM ${target} WHERE ${column} = ${PROBE}`))
      accepted.push({ table, statement: 'DELETE' })
  }
  return accepted
}

/** The column by which the probe's row of a table is found again. */
const PROBE_COLUMN = { audit_log: 'id', events: 'id', ledger_entries: 'agent_id', request_keys: 'subject_id' } as const

async function isAccepted(tx: WriteTx, statement: ReturnType<typeof sql>): Promise<boolean> {
  try {
    await tx.savepoint((inner) => statement.execute(inner.sql))
    return true
  } catch (error) {
    if (error instanceof DatabaseError && error.code === 'DATABASE_CONSTRAINT') return false
    throw error
  }
}

async function insertProbes(tx: WriteTx): Promise<void> {
  const heads = await tx.sql.selectFrom('log_heads').select(['name', 'head_seq', 'head_hash']).execute()
  const head = (name: 'audit' | 'events'): { seq: number; prev_hash: string } => {
    const row = heads.find((candidate) => candidate.name === name)
    return { seq: (row?.head_seq ?? 0) + 1, prev_hash: row?.head_hash ?? HASH }
  }
  const actor = { actor_type: 'system', actor_id: PROBE } as const
  const entry = { id: PROBE, at: 0, operation: 'PROBE', resource_type: PROBE, hash: HASH }
  await tx.sql
    .insertInto('audit_log')
    .values({ ...head('audit'), ...actor, ...entry })
    .execute()
  const event = { seq: head('events').seq, id: PROBE, at: 0, type: PROBE, agent_id: PROBE, data: '{}' }
  await tx.sql.insertInto('events').values(event).execute()
  const times = { created_at: 0, updated_at: 0 }
  const after = { allocated: ONE, version: 1, hash: HASH }
  await tx.sql
    .insertInto('agent_budgets')
    .values({
      agent_id: PROBE,
      allocated_micros: after.allocated,
      version: 1,
      ledger_seq: 1,
      ledger_hash: HASH,
      ...times,
    })
    .execute()
  await tx.sql
    .insertInto('ledger_entries')
    .values({
      agent_id: PROBE,
      seq: 1,
      type: 'allocate',
      amount_micros: ONE,
      version: after.version,
      allocated_after: after.allocated,
      reserved_after: NONE,
      spent_after: NONE,
      actor_id: PROBE,
      created_at: 0,
      hash: after.hash,
    })
    .execute()
  const key = {
    subject_id: PROBE,
    request_id: PROBE,
    id: PROBE,
    payload_hash: HASH,
    cost_micros: ONE,
    overrun_micros: NONE,
  }
  const told = { pricing: 'reported', late: 0 } as const
  const call = { source: 'api_token', total_tokens: 0, billed: 1, at: 0, received_at: 0 } as const
  await tx.sql
    .insertInto('requests')
    .values({ ...key, ...told, ...call })
    .execute()
  await tx.sql
    .insertInto('request_keys')
    .values({ ...key, ...told })
    .execute()
}
