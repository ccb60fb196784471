import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/test-kit'
import { DatabaseError } from '../../src/errors.ts'
import { applyMigrations } from '../../src/migrate/apply.ts'
import { describeSchema } from '../../src/migrate/describe-schema.ts'
import { type EmptyDatabase, openEmpty } from '../migrate/open-empty.ts'
import { attempt, undone } from '../migrate/undone.ts'
import { type ColumnModel, columnsOf, TABLES } from './data-model.ts'
import { EXTRA_ROWS, HASH, type Row, ROWS } from './rows.ts'

/** 2^53 - 1: MON-05. */
const MAX = Number.MAX_SAFE_INTEGER
/** 2^53 as SQL sees it; better-sqlite3 binds a bigint as an integer, and pg sends it as text. */
const TOO_BIG = 9_007_199_254_740_992n

type Value = string | number | bigint | null
type Change = Readonly<Record<string, Value>>

interface Violation {
  readonly table: string
  /** Name of the CHECK that must refuse. */
  readonly check: string
  readonly row: Change
}

/** What a change of one column breaks besides its own rule, so that the row breaks nothing else. */
const COMPANIONS: Readonly<Record<string, Change>> = {
  'leases.granted_micros': { requested_micros: MAX },
  'budget_requests.approved_allocated_micros': { status: 'approved', reviewed_at: 2, reviewed_by: 'user-1' },
  'budget_requests.reviewed_by': { status: 'approved', reviewed_at: 2, approved_allocated_micros: 6 },
  'budget_requests.cancelled_by': { status: 'cancelled', cancelled_at: 2 },
  'ledger_entries.request_id': { type: 'spend', lease_id: 'lease-1' },
  'ledger_entries.lease_id': { type: 'grant' },
  'requests.input_tokens': { output_tokens: null },
  'log_heads.floor': { head_seq: MAX },
}

/** Changes of one column that its own rule must refuse, from its type in the data model. */
function violationsOf(table: string, column: ColumnModel): Violation[] {
  const { name, kind, min, max, values } = column
  const broken: Value[] = []
  if (kind === 'id') broken.push('', 'x'.repeat(256))
  if ((kind === 'text' || kind === 'json') && max !== undefined) {
    broken.push('ü'.repeat(max + 1))
    if (min !== undefined && min > 0) broken.push('x'.repeat(min - 1))
  }
  if (kind === 'enum') broken.push(/^\d+$/.test(values[0] ?? '') ? 1 : 'other')
  if (kind === 'hash') broken.push('a'.repeat(63), 'a'.repeat(65))
  if (kind === 'flag') broken.push(2, -1)
  if (kind === 'int' || kind === 'money') broken.push((min ?? 0) - 1, TOO_BIG)
  return broken.map((value) => ({
    table,
    check: `${table}_${name}_check`,
    row: { ...COMPANIONS[`${table}.${name}`], [name]: value },
  }))
}

const ended = { status: 'closed', closed_at: 3, close_reason: 'lapsed', released_micros: 10 } as const

/** The CHECKs over several columns, one violating row each. */
const RULES: readonly Violation[] = (
  [
    ['sessions', 'revoked_with_reason', { revoked_at: 2 }],
    ['provider_keys', 'sealed_with_vault_key', { vault_key_id: null }],
    ['provider_keys', 'active_is_sealed', { sealed: null, vault_key_id: null }],
    ['provider_keys', 'retired_with_time', { status: 'retired' }],
    ['leases', 'granted_within_requested', { granted_micros: 11 }],
    ['leases', 'used_within_granted', { spent_micros: 11 }],
    ['leases', 'unreported_within_used', { unreported_micros: 1 }],
    ['leases', 'active_is_open', { closed_at: 3 }],
    ['leases', 'active_without_reason', { close_reason: 'lapsed' }],
    ['leases', 'status_follows_reason', { ...ended, close_reason: 'revoked' }],
    ['leases', 'active_releases_nothing', { released_micros: 1 }],
    ['leases', 'ended_is_settled', { ...ended, released_micros: 9 }],
    ['leases', 'return_ends', { returned_at: 3, return_spent_micros: 0 }],
    ['leases', 'returned_has_time', { ...ended, close_reason: 'returned' }],
    ['leases', 'return_total_with_time', { ...ended, returned_at: 3 }],
    ['budget_requests', 'asks_for_more', { requested_allocated_micros: 5 }],
    ['budget_requests', 'reviewed_when_decided', { reviewed_at: 2, reviewed_by: 'user-1' }],
    ['budget_requests', 'reviewed_by_somebody', { status: 'approved', reviewed_at: 2, approved_allocated_micros: 6 }],
    ['budget_requests', 'cancelled_with_time', { status: 'cancelled' }],
    ['budget_requests', 'canceller_with_time', { cancelled_by: 'user-1' }],
    ['budget_requests', 'approved_with_amount', { approved_allocated_micros: 6 }],
    ['budget_requests', 'rejected_with_notes', { status: 'rejected', reviewed_at: 2, reviewed_by: 'user-1' }],
    [
      'budget_requests',
      'rejected_with_notes',
      { status: 'rejected', reviewed_at: 2, reviewed_by: 'user-1', review_notes: 'too short' },
    ],
    ['ledger_entries', 'available_after', { type: 'grant', lease_id: 'lease-1', allocated_after: 1, spent_after: 2 }],
    ['ledger_entries', 'lease_required', { type: 'grant', reason: 'why' }],
    ['ledger_entries', 'lease_forbidden', { lease_id: 'lease-1' }],
    ['ledger_entries', 'reason_without_lease', { type: 'overrun' }],
    ['ledger_entries', 'request_of_a_report', { request_id: 'call-1' }],
    ['ledger_entries', 'actor_required', { actor_id: null }],
    ['ledger_entries', 'budget_request_allocates', { type: 'deallocate', budget_request_id: 'breq-1' }],
    ['requests', 'overrun_within_cost', { overrun_micros: 8 }],
    ['requests', 'cache_within_input', { cache_read_tokens: 60, cache_write_tokens: 41 }],
    ['requests', 'reasoning_within_output', { reasoning_tokens: 21 }],
    ['requests', 'parts_within_total', { total_tokens: 119 }],
    ['requests', 'lease_of_a_billed_call', { source: 'api_token' }],
    ['requests', 'billed_agent_has_lease', { lease_id: null }],
    ['requests', 'billed_agent_has_key', { request_id: null, payload_hash: null }],
    ['requests', 'payload_of_a_billed_key', { payload_hash: null }],
    ['request_keys', 'overrun_within_cost', { overrun_micros: 8 }],
    ['log_heads', 'floor_within_head', { floor: 1 }],
    ['log_heads', 'audit_keeps_all', { name: 'audit', head_hash: HASH, head_seq: 1, floor: 1 }],
    ['log_heads', 'audit_is_chained', { head_hash: HASH }],
  ] as const
).map(([table, check, row]) => ({ table, check: `${table}_${check}`, row }))

const COLUMN_VIOLATIONS = Object.entries(TABLES).flatMap(([table, model]) =>
  columnsOf(model).flatMap((column) => violationsOf(table, column)),
)

/** SQLite names the CHECK in its text, PostgreSQL in a field of its own. */
function constraintOf(error: Error | undefined): string {
  if (!(error instanceof DatabaseError)) return `accepted or failed otherwise: ${String(error)}`
  const { constraint } = error.details
  return typeof constraint === 'string' ? constraint : error.code
}

describe.each(await enginesForTests())('constraints on %s', (dialect) => {
  let database: EmptyDatabase
  const reported = new Set<string>()

  /** Every parent is there and no rule of the append-only triggers gets in the way of a CHECK. */
  beforeAll(async () => {
    database = await openEmpty(dialect)
    await applyMigrations(database.host, { mode: 'apply', appVersion: '0.0.0' })
    for (const { kind, name, sql } of await describeSchema(database.db, dialect)) {
      if (kind !== 'trigger') continue
      const table = / ON (\w+)/.exec(sql)?.[1] ?? ''
      await database.rows(dialect === 'sqlite' ? `DROP TRIGGER ${name}` : `DROP TRIGGER ${name} ON ${table}`)
    }
  })
  afterAll(async () => {
    await database[Symbol.asyncDispose]()
  })

  async function insert(table: string, row: Change): Promise<void> {
    const columns = Object.keys(row)
    const values = columns.map(() => '?').join(', ')
    await database.rows(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${values})`, ...Object.values(row))
  }

  /** Everything that a row of `table` may point to. */
  async function insertParents(table: string): Promise<void> {
    for (const [parent, row] of Object.entries(ROWS)) {
      if (parent === table) break
      await insert(parent, row)
    }
  }

  function refusal(table: string, row: Change): Promise<Error | undefined> {
    return undone(database, async () => {
      await prepare(table)
      return attempt(database, () => insert(table, { ...(EXTRA_ROWS[table] as Row), ...row }))
    })
  }

  async function prepare(table: string): Promise<void> {
    if (table === 'log_heads') await database.rows('DELETE FROM log_heads')
    else await insertParents(table)
  }

  /**
   * The name of the rule that refuses a row. A value far out of range breaks several; PostgreSQL asks them by name, so those
   * that speak before `check` are taken away until it has to speak itself.
   */
  function refusedBy(check: string, table: string, row: Change): Promise<string> {
    return undone(database, async () => {
      await prepare(table)
      for (;;) {
        const name = constraintOf(
          await attempt(database, () => insert(table, { ...(EXTRA_ROWS[table] as Row), ...row })),
        )
        if (name === check || dialect === 'sqlite' || !name.startsWith(`${table}_`)) return name
        await database.rows(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`)
      }
    })
  }

  test('every valid row is accepted', async () => {
    for (const table of Object.keys(TABLES)) expect([table, await refusal(table, {})]).toEqual([table, undefined])
    expect(await refusal('leases', ended)).toBeUndefined()
    const returned = { ...ended, close_reason: 'returned', returned_at: 3, return_spent_micros: 0 }
    expect(await refusal('leases', returned)).toBeUndefined()
    const review = { reviewed_at: 2, reviewed_by: 'user-1' }
    expect(
      await refusal('budget_requests', { ...review, status: 'approved', approved_allocated_micros: 6 }),
    ).toBeUndefined()
    const notes = { status: 'rejected', review_notes: 'not before the next quarter' }
    expect(await refusal('budget_requests', { ...review, ...notes })).toBeUndefined()
    expect(await refusal('budget_requests', { status: 'cancelled', cancelled_at: 2 })).toBeUndefined()
  })

  test('MON-05 the largest amount is accepted', async () => {
    expect(await refusal('agent_budgets', { allocated_micros: MAX })).toBeUndefined()
    expect(await refusal('leases', { requested_micros: MAX, granted_micros: MAX })).toBeUndefined()
    expect(await refusal('limits', { max_cost_per_month_micros: MAX })).toBeUndefined()
    expect(await refusal('requests', { cost_micros: MAX })).toBeUndefined()
  })

  test('limits of text count code points: 100 astral characters are 100', async () => {
    expect(await refusal('agents', { name: '\u{1f600}'.repeat(100) })).toBeUndefined()
    expect(constraintOf(await refusal('agents', { name: '\u{1f600}'.repeat(101) }))).toBe('agents_name_check')
  })

  test.each(Object.keys(TABLES))('MON-05 DAT-17 every rule of a single column of %s refuses', async (table) => {
    for (const { check, row } of COLUMN_VIOLATIONS.filter((violation) => violation.table === table)) {
      expect([row, await refusedBy(check, table, row)]).toEqual([row, check])
      reported.add(check)
    }
  })

  test.each(RULES.map(({ table, check, row }) => [check, table, row] as const))(
    '%s refuses',
    async (check, table, row) => {
      expect(await refusedBy(check, table, row)).toBe(check)
      reported.add(check)
    },
  )

  test('every CHECK of the schema was broken once', async () => {
    const tables = (await describeSchema(database.db, dialect)).filter(({ kind }) => kind === 'table')
    const checks = tables.flatMap(({ sql }) =>
      [...sql.matchAll(/constraint "?(\w+)"? check/gi)].map(([, name]) => name),
    )
    expect(checks.length).toBeGreaterThan(200)
    expect(checks.filter((name) => !reported.has(name as string))).toEqual([])
  })

  test.each(Object.entries(TABLES))('DAT-16 every required column of %s refuses null', async (table, model) => {
    for (const { name, nullable } of columnsOf(model)) {
      if (nullable) continue
      // On SQLite a null in the key of a rowid table asks for the next number; the triggers of the logs refuse that.
      if (dialect === 'sqlite' && model.primaryKey === name && ['seq', 'number'].includes(name)) continue
      const error = await refusal(table, { [name]: null })
      expect([name, error]).toEqual([name, expect.objectContaining({ code: 'DATABASE_CONSTRAINT' })])
    }
  })

  test('MON-01 DAT-18 a fraction or a text is refused by every integer column', async () => {
    for (const [table, model] of Object.entries(TABLES)) {
      for (const { name, kind } of columnsOf(model)) {
        if (!['money', 'int', 'signed', 'time', 'flag'].includes(kind)) continue
        for (const value of [1.5, 'x'])
          expect([table, name, await refusal(table, { [name]: value })]).not.toContain(undefined)
      }
    }
  })

  test.each(
    Object.entries(TABLES).flatMap(([table, { foreignKeys = [] }]) =>
      foreignKeys.map((key) => [`${table}.${key}`, table, key]),
    ),
  )('foreign key %s refuses a missing parent', async (_, table, key) => {
    const column = key.split(' ')[0] as string
    const error = await refusal(table, {
      [column]: 'nobody',
      ...(table === 'leases' ? { idempotency_key: 'other' } : {}),
    })
    expect(error).toMatchObject({ code: 'DATABASE_CONSTRAINT' })
    const detail = dialect === 'postgres' ? `${table}_${column}_fkey` : 'FOREIGN KEY constraint failed'
    expect(constraintOf(error)).toBe(detail)
  })

  test('DAT-13 a parent with children stays', async () => {
    await undone(database, async () => {
      await insertParents('none')
      const parents = ['users', 'agents', 'agent_budgets', 'providers', 'budget_requests']
      await insert('leases', {
        ...(ROWS.leases as Row),
        id: 'lease-2',
        supersedes: 'lease-1',
        idempotency_key: 'grant-2',
      })
      await database.rows("UPDATE ledger_entries SET budget_request_id = 'breq-1'")
      for (const table of parents) {
        const error = await attempt(database, () => database.rows(`DELETE FROM ${table}`))
        expect([table, error]).toEqual([table, expect.objectContaining({ code: 'DATABASE_CONSTRAINT' })])
      }
      expect(await attempt(database, () => database.rows("DELETE FROM leases WHERE id = 'lease-1'"))).toBeDefined()
      expect(await attempt(database, () => database.rows('DELETE FROM api_tokens'))).toBeUndefined()
      expect(await database.rows('SELECT * FROM api_token_secrets')).toEqual([])
    })
  })
})
