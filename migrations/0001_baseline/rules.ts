/**
 * The append-only rules of data-model 5: what may not happen to a row, each as one condition that both engines understand.
 * `triggers.ts` spells them as triggers. A rule for SQLite alone closes its REPLACE hole: conflict resolution deletes rows
 * without firing DELETE triggers unless `recursive_triggers` is on, so the insert or update itself must be refused.
 */

/** Refuses an insert, update or delete of a row for which `when` holds; without `when`, every one. */
export interface Rule {
  readonly name: string
  readonly table: string
  readonly event: 'INSERT' | 'UPDATE' | 'DELETE'
  readonly when?: string
  /** What the refusal says. */
  readonly message: string
  /** Default: both. */
  readonly only?: 'sqlite'
}

/** What one call cost and was charged by; final once billed (data-model 3.6). */
const FIGURES = [
  'billed',
  'lease_id',
  'payload_hash',
  'cost_micros',
  'overrun_micros',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'other_parts',
  'total_tokens',
  'pricing',
  'price_id',
  'late',
  'received_at',
] as const

const changed = (...columns: readonly string[]): string =>
  columns.map((column) => `NEW.${column} IS DISTINCT FROM OLD.${column}`).join(' OR ')

const HISTORY = "('allocate', 'deallocate')"

export const rules: readonly Rule[] = [
  { name: 'audit_log_no_update', table: 'audit_log', event: 'UPDATE', message: 'audit_log is append-only' },
  { name: 'audit_log_no_delete', table: 'audit_log', event: 'DELETE', message: 'audit_log is append-only' },
  { name: 'events_no_update', table: 'events', event: 'UPDATE', message: 'events is append-only' },
  {
    name: 'events_no_delete',
    table: 'events',
    event: 'DELETE',
    when: "OLD.seq > (SELECT floor FROM log_heads WHERE name = 'events')",
    message: 'events is append-only',
  },
  {
    name: 'log_heads_guard',
    table: 'log_heads',
    event: 'UPDATE',
    when:
      'NEW.name <> OLD.name OR NEW.head_seq < OLD.head_seq OR NEW.floor < OLD.floor' +
      ' OR (NEW.head_seq = OLD.head_seq AND NEW.head_hash IS DISTINCT FROM OLD.head_hash)',
    message: 'log_heads may only move forward',
  },
  { name: 'log_heads_no_insert', table: 'log_heads', event: 'INSERT', message: 'log_heads rows are permanent' },
  { name: 'log_heads_no_delete', table: 'log_heads', event: 'DELETE', message: 'log_heads rows are permanent' },
  {
    name: 'ledger_entries_insert',
    table: 'ledger_entries',
    event: 'INSERT',
    when:
      'NOT EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = NEW.agent_id AND b.ledger_seq = NEW.seq' +
      ' AND b.ledger_hash = NEW.hash AND b.version = NEW.version AND b.allocated_micros = NEW.allocated_after' +
      ' AND b.reserved_micros = NEW.reserved_after AND b.spent_micros = NEW.spent_after)' +
      ' OR EXISTS (SELECT 1 FROM ledger_entries l WHERE l.agent_id = NEW.agent_id AND l.seq = NEW.seq)' +
      ' OR (NEW.seq > 1 AND NOT EXISTS' +
      ' (SELECT 1 FROM ledger_entries l WHERE l.agent_id = NEW.agent_id AND l.seq = NEW.seq - 1))' +
      ` OR (NEW.type IN ${HISTORY} AND EXISTS (SELECT 1 FROM ledger_entries l` +
      ` WHERE l.agent_id = NEW.agent_id AND l.version = NEW.version AND l.type IN ${HISTORY}))`,
    message: 'ledger_entries: row does not match the budget',
  },
  {
    name: 'ledger_entries_no_update',
    table: 'ledger_entries',
    event: 'UPDATE',
    message: 'ledger_entries is append-only',
  },
  {
    name: 'ledger_entries_no_delete',
    table: 'ledger_entries',
    event: 'DELETE',
    message: 'ledger_entries is append-only',
  },
  {
    name: 'leases_final',
    table: 'leases',
    event: 'UPDATE',
    when:
      changed('id', 'agent_id', 'supersedes', 'idempotency_key', 'granted_micros') +
      ` OR (OLD.status <> 'active' AND (${changed('status', 'close_reason')}))`,
    message: 'leases: a final state is final',
  },
  { name: 'leases_no_delete', table: 'leases', event: 'DELETE', message: 'leases are kept' },
  {
    name: 'leases_no_replace',
    table: 'leases',
    event: 'INSERT',
    when:
      'EXISTS (SELECT 1 FROM leases l WHERE l.id = NEW.id)' +
      ' OR EXISTS (SELECT 1 FROM leases l WHERE l.supersedes = NEW.supersedes)' +
      ' OR EXISTS (SELECT 1 FROM leases l WHERE l.agent_id = NEW.agent_id AND l.idempotency_key = NEW.idempotency_key)',
    message: 'leases: exists already',
    only: 'sqlite',
  },
  {
    name: 'requests_final',
    table: 'requests',
    event: 'UPDATE',
    when: `${changed('id', 'source', 'subject_id', 'request_id')} OR (OLD.billed = 1 AND (${changed(...FIGURES)}))`,
    message: 'requests: a billed call is final',
  },
  {
    name: 'requests_keep_key',
    table: 'requests',
    event: 'DELETE',
    when:
      'OLD.payload_hash IS NOT NULL AND NOT EXISTS (SELECT 1 FROM request_keys k' +
      ' WHERE k.subject_id = OLD.subject_id AND k.request_id = OLD.request_id AND k.id = OLD.id' +
      ' AND k.payload_hash = OLD.payload_hash AND k.cost_micros = OLD.cost_micros)',
    message: 'requests: a billed call leaves its key',
  },
  {
    name: 'requests_no_replace',
    table: 'requests',
    event: 'INSERT',
    when:
      'EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.id AND r.billed = 1)' +
      ' OR EXISTS (SELECT 1 FROM requests r WHERE r.subject_id = NEW.subject_id AND r.request_id = NEW.request_id AND r.billed = 1)',
    message: 'requests: a billed call is final',
    only: 'sqlite',
  },
  {
    name: 'request_keys_insert',
    table: 'request_keys',
    event: 'INSERT',
    when:
      'EXISTS (SELECT 1 FROM request_keys k WHERE k.subject_id = NEW.subject_id AND k.request_id = NEW.request_id)' +
      ' OR NOT EXISTS (SELECT 1 FROM requests r WHERE r.subject_id = NEW.subject_id AND r.request_id = NEW.request_id' +
      ' AND r.id = NEW.id AND r.payload_hash = NEW.payload_hash AND r.lease_id IS NOT DISTINCT FROM NEW.lease_id' +
      ' AND r.cost_micros = NEW.cost_micros AND r.overrun_micros = NEW.overrun_micros AND r.pricing = NEW.pricing' +
      ' AND r.late = NEW.late)',
    message: 'request_keys: not the copy of a billed call',
  },
  { name: 'request_keys_no_update', table: 'request_keys', event: 'UPDATE', message: 'request_keys is append-only' },
  { name: 'request_keys_no_delete', table: 'request_keys', event: 'DELETE', message: 'request_keys is append-only' },
]

/** Tables that PostgreSQL may not truncate: it would pass by every rule above. */
export const NEVER_TRUNCATED = [
  'audit_log',
  'events',
  'ledger_entries',
  'leases',
  'log_heads',
  'request_keys',
  'requests',
] as const

/** A log whose rows are numbered without gaps by its row in log_heads. */
export interface Log {
  readonly name: 'audit' | 'events'
  readonly table: string
  /** Besides the number: keys that are in use already, a broken chain. */
  readonly refused: string
  readonly message: string
  /** Whether the head also carries the row's hash. */
  readonly chained: boolean
}

export const logs: readonly Log[] = [
  {
    name: 'audit',
    table: 'audit_log',
    refused:
      "NEW.prev_hash IS DISTINCT FROM (SELECT head_hash FROM log_heads WHERE name = 'audit')" +
      ' OR EXISTS (SELECT 1 FROM audit_log a WHERE a.id = NEW.id)',
    message: 'audit_log: out of sequence',
    chained: true,
  },
  {
    name: 'events',
    table: 'events',
    refused: 'EXISTS (SELECT 1 FROM events e WHERE e.dedupe_key = NEW.dedupe_key)',
    message: 'events: out of sequence',
    chained: false,
  },
]
