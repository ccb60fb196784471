import type { Microdollars, Pricing } from '@iron/cost-calculator'
import type { ReadTx } from '@iron/database'
import { JournalError } from '../errors.ts'
import { namedSql } from '../named-sql.ts'
import type { BilledCall } from './call.ts'

/** What stays for ever of a billed call: the columns that `requests` and `request_keys` share. */
export interface BilledRow {
  readonly id: string
  readonly payload_hash: string
  readonly lease_id: string | null
  readonly cost_micros: Microdollars
  readonly overrun_micros: Microdollars
  readonly pricing: Pricing
  readonly late: 0 | 1
}

const columns = 'id, payload_hash, lease_id, cost_micros, overrun_micros, pricing, late'

/** Both places in one statement: a row on its way from one to the other is never missed (data-model 3.6). */
const billedRow = namedSql<{ subject: string; requestId: string }, BilledRow>(
  'billed',
  () => `
    SELECT ${columns} FROM requests WHERE subject_id = :subject AND request_id = :requestId AND billed = 1
    UNION ALL
    SELECT ${columns} FROM request_keys WHERE subject_id = :subject AND request_id = :requestId`,
  { types: { subject: 'text', requestId: 'text' } },
)

/** The first booking of a call, or `undefined`. */
export async function findBilled(tx: ReadTx, subject: string, requestId: string): Promise<BilledRow | undefined> {
  return billedRow.first(tx, { subject, requestId })
}

/** The first bookings of calls of one subject, by request id. */
export async function findAllBilled(
  tx: ReadTx,
  subject: string,
  requestIds: readonly string[],
): Promise<ReadonlyMap<string, BilledRow>> {
  const ids = [...new Set(requestIds)]
  const found = await billedRow.each(
    tx,
    ids.map((requestId) => ({ subject, requestId })),
  )
  return new Map(
    ids.flatMap((requestId, index) => {
      const [row] = found[index] ?? []
      return row === undefined ? [] : [[requestId, row] as const]
    }),
  )
}

/**
 * Checks that a repeat says what the first booking said.
 *
 * @throws {JournalError} IDEMPOTENCY_CONFLICT
 */
export function mustRepeat(row: { readonly payload_hash: string | null }, hash: string, requestId: string): void {
  if (row.payload_hash === hash) return
  const details = { requestId }
  throw new JournalError('IDEMPOTENCY_CONFLICT', 'this request id was used for another call', { details })
}

/** What a repeat is answered with. */
export function billedCallOf(row: BilledRow): BilledCall {
  return Object.freeze({
    id: row.id,
    leaseId: row.lease_id,
    cost: row.cost_micros,
    pricing: row.pricing,
    late: row.late === 1,
    overrun: row.overrun_micros,
  })
}
