/** Rows of the API as the rules read them. */
import type { BudgetRequestRow, EventRow, LeaseRow, LedgerRow, LogRow, VersionRow } from './history.ts'
import { microsOf } from './money.ts'

export type Row = Readonly<Record<string, unknown>>

/** What may be null, or missing in the data of some events. */
const textOrNull = (value: unknown): string | null => (value ?? null) as string | null

export function logRowOf(row: Row): LogRow {
  return { seq: Number(row['seq']), text: JSON.stringify(row) }
}

export function ledgerRowOf(row: Row): LedgerRow {
  return {
    ...logRowOf(row),
    type: row['type'] as LedgerRow['type'],
    amount: microsOf(row['amount_usd']),
    leaseId: textOrNull(row['lease_id']),
    requestId: textOrNull(row['request_id']),
  }
}

export function eventRowOf(row: Row): EventRow {
  const data = row['data'] as Row
  return {
    ...logRowOf(row),
    type: String(row['type']),
    agentId: String(row['agent_id']),
    leaseId: textOrNull(data['lease_id']),
    requestId: textOrNull(data['request_id']),
  }
}

export function leaseRowOf(row: Row): LeaseRow {
  return {
    id: String(row['id']),
    status: String(row['status']),
    granted: microsOf(row['granted_usd']),
    spent: microsOf(row['spent_usd']),
    overrun: microsOf(row['overrun_usd']),
    returned: microsOf(row['returned_usd']),
    supersedes: textOrNull(row['supersedes']),
  }
}

export function versionRowOf(row: Row): VersionRow {
  return {
    version: Number(row['version']),
    previous: microsOf(row['previous_allocated_usd']),
    allocated: microsOf(row['allocated_usd']),
    reason: textOrNull(row['reason']),
    budgetRequestId: textOrNull(row['budget_request_id']),
  }
}

/** The key of the call that made it is the last word of its justification. */
export function budgetRequestRowOf(row: Row): BudgetRequestRow {
  return {
    id: String(row['id']),
    status: String(row['status']),
    key: String(row['justification']).split(' ').at(-1) ?? '',
  }
}
