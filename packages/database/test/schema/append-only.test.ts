import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Engine, enginesForTests } from '@iron/test-kit'
import { DatabaseError } from '../../src/errors.ts'
import { applyMigrations } from '../../src/migrate/apply.ts'
import { describeSchema } from '../../src/migrate/describe-schema.ts'
import { type EmptyDatabase, openEmpty } from '../migrate/open-empty.ts'
import { attempt, undone } from '../migrate/undone.ts'
import { HASH, type Row, ROWS } from './rows.ts'

const OTHER_HASH = 'b'.repeat(64)
const TABLES = ['audit_log', 'events', 'log_heads', 'ledger_entries', 'leases', 'requests', 'request_keys']

const rowOf = (table: string): Row => ROWS[table] as Row

/** `INSERT … INTO table` with the literals of a row. */
function insertion(table: string, change: Row = {}, verb = 'INSERT'): string {
  const row = { ...rowOf(table), ...change }
  const values = Object.values(row).map((value) => (typeof value === 'string' ? `'${value}'` : String(value)))
  return `${verb} INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${values.join(', ')})`
}

/** The same of several rows. */
function insertions(table: string, changes: readonly Row[]): string {
  const [first = '', ...others] = changes.map((change) => insertion(table, change))
  return [first, ...others.map((other) => other.slice(other.indexOf(' VALUES ') + ' VALUES '.length))].join(', ')
}

const replacing = (table: string, change: Row = {}): string => insertion(table, change, 'INSERT OR REPLACE')

const ended = "status = 'closed', closed_at = 3, close_reason = 'lapsed', released_micros = granted_micros"
const secondLease: Row = { id: 'lease-2', idempotency_key: 'grant-2', supersedes: 'lease-1' }
const unbilled: Row = {
  id: 'req-2',
  request_id: 'call-2',
  billed: 0,
  lease_id: null,
  payload_hash: null,
  cost_micros: 0,
}
/** A billed call of an API token without a request id leaves nothing behind. */
const keyless: Row = {
  id: 'req-3',
  source: 'api_token',
  subject_id: 'tok-1',
  request_id: null,
  lease_id: null,
  payload_hash: null,
}
const nextEntry = (change: Row = {}): Row => ({
  seq: 2,
  type: 'grant',
  lease_id: 'lease-9',
  amount_micros: 10,
  reserved_after: 10,
  hash: OTHER_HASH,
  ...change,
})
const moveBudget = (change = ''): string =>
  `UPDATE agent_budgets SET ledger_seq = 2, ledger_hash = '${OTHER_HASH}', reserved_micros = 10${change}`

/** Statements to run in order; the last one is the one under test. */
type Case = readonly [title: string, ...statements: string[]]

/** Refused on both engines. */
const FORBIDDEN: readonly Case[] = [
  ['DAT-09 DAT-12 audit_log: update', "UPDATE audit_log SET reason = 'other' WHERE seq = 1"],
  ['DAT-09 DAT-12 audit_log: delete', 'DELETE FROM audit_log WHERE seq = 1'],
  ['DAT-09 audit_log: delete all', 'DELETE FROM audit_log'],
  ['DAT-12 audit_log: a gap', insertion('audit_log', { seq: 3, id: 'aud-3', prev_hash: HASH })],
  ['DAT-12 audit_log: a number again', insertion('audit_log', { seq: 1, id: 'aud-2', prev_hash: HASH })],
  ['DAT-12 audit_log: a broken chain', insertion('audit_log', { seq: 2, id: 'aud-2', prev_hash: OTHER_HASH })],
  ['DAT-12 audit_log: an id again', insertion('audit_log', { seq: 2, prev_hash: HASH })],
  [
    'audit_log: upsert',
    `${insertion('audit_log', { seq: 2, prev_hash: HASH })} ON CONFLICT (id) DO UPDATE SET reason = 'other'`,
  ],
  ['events: update', "UPDATE events SET data = '{}' WHERE seq = 1"],
  ['events: delete above the floor', 'DELETE FROM events WHERE seq = 1'],
  ['events: a gap', insertion('events', { seq: 3, id: 'evt-3', dedupe_key: null })],
  ['events: a number again', insertion('events', { seq: 1, id: 'evt-2', dedupe_key: null })],
  ['events: no number', insertion('events', { seq: null, id: 'evt-2', dedupe_key: null })],
  ['events: a dedupe key again', insertion('events', { seq: 2, id: 'evt-2' })],
  [
    'events: upsert',
    `${insertion('events', { seq: 2, id: 'evt-2' })} ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO UPDATE SET data = 'x'`,
  ],
  [
    'events: a skipped duplicate would leave a gap',
    `${insertions('events', [
      { seq: 2, id: 'evt-2' },
      { seq: 3, id: 'evt-3', dedupe_key: null },
    ])} ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING`,
  ],
  [
    'events: several with a gap',
    insertions('events', [
      { seq: 2, id: 'evt-2', dedupe_key: null },
      { seq: 4, id: 'evt-4', dedupe_key: null },
    ]),
  ],
  [
    'events: several that begin too late',
    insertions('events', [
      { seq: 3, id: 'evt-3', dedupe_key: null },
      { seq: 4, id: 'evt-4', dedupe_key: null },
    ]),
  ],
  ['log_heads: back', "UPDATE log_heads SET head_seq = 0, floor = 0 WHERE name = 'events'"],
  [
    'log_heads: floor back',
    "UPDATE log_heads SET floor = 1 WHERE name = 'events'",
    "UPDATE log_heads SET floor = 0 WHERE name = 'events'",
  ],
  ['log_heads: floor above the head', "UPDATE log_heads SET floor = 2 WHERE name = 'events'"],
  ['log_heads: a floor of audit', "UPDATE log_heads SET floor = 1 WHERE name = 'audit'"],
  ['DAT-12 log_heads: another hash', `UPDATE log_heads SET head_hash = '${OTHER_HASH}' WHERE name = 'audit'`],
  ['log_heads: renamed', "UPDATE log_heads SET name = 'audit' WHERE name = 'events'"],
  ['log_heads: delete', "DELETE FROM log_heads WHERE name = 'events'"],
  ['log_heads: insert', "INSERT INTO log_heads (name, updated_at) VALUES ('events', 1)"],
  [
    'log_heads: upsert',
    "INSERT INTO log_heads (name, updated_at) VALUES ('events', 1) ON CONFLICT (name) DO UPDATE SET head_seq = 0, floor = 0",
  ],
  ['DAT-09 ledger_entries: update', 'UPDATE ledger_entries SET amount_micros = 1'],
  ['DAT-09 ledger_entries: delete', 'DELETE FROM ledger_entries'],
  ['ledger_entries: a row again', insertion('ledger_entries')],
  ['ledger_entries: without the budget', insertion('ledger_entries', nextEntry())],
  ['ledger_entries: another allocated', moveBudget(), insertion('ledger_entries', nextEntry({ allocated_after: 10 }))],
  ['ledger_entries: another reserved', moveBudget(), insertion('ledger_entries', nextEntry({ reserved_after: 11 }))],
  ['ledger_entries: another spent', moveBudget(), insertion('ledger_entries', nextEntry({ spent_after: 1 }))],
  ['ledger_entries: another version', moveBudget(), insertion('ledger_entries', nextEntry({ version: 2 }))],
  ['R7 ledger_entries: another hash', moveBudget(), insertion('ledger_entries', nextEntry({ hash: 'c'.repeat(64) }))],
  [
    'ledger_entries: a gap',
    `UPDATE agent_budgets SET ledger_seq = 3, ledger_hash = '${OTHER_HASH}', reserved_micros = 10`,
    insertion('ledger_entries', nextEntry({ seq: 3 })),
  ],
  [
    'ledger_entries: a second allocation of one version',
    moveBudget(),
    insertion('ledger_entries', nextEntry({ type: 'allocate', lease_id: null })),
  ],
  [
    'ledger_entries: upsert',
    `${insertion('ledger_entries')} ON CONFLICT (agent_id, seq) DO UPDATE SET amount_micros = 1`,
  ],
  ['DAT-13 leases: delete', 'DELETE FROM leases'],
  ['leases: another amount granted', 'UPDATE leases SET granted_micros = 9'],
  ['leases: another agent', "UPDATE leases SET agent_id = 'agent-2'"],
  ['leases: another id', "UPDATE leases SET id = 'lease-9'"],
  [
    'leases: another predecessor',
    insertion('leases', secondLease),
    "UPDATE leases SET supersedes = NULL WHERE id = 'lease-2'",
  ],
  ['leases: another idempotency key', "UPDATE leases SET idempotency_key = 'other'"],
  [
    'leases: opened again',
    `UPDATE leases SET ${ended}`,
    "UPDATE leases SET status = 'active', closed_at = NULL, close_reason = NULL, released_micros = 0",
  ],
  [
    'leases: another end',
    `UPDATE leases SET ${ended}`,
    "UPDATE leases SET status = 'revoked', close_reason = 'revoked'",
  ],
  [
    'leases: another reason',
    `UPDATE leases SET ${ended}`,
    "UPDATE leases SET close_reason = 'returned', returned_at = 3, return_spent_micros = 0",
  ],
  ...(
    [
      ['billed', 'billed = 0, lease_id = NULL, payload_hash = NULL'],
      ['lease_id', "lease_id = 'lease-2'"],
      ['payload_hash', `payload_hash = '${OTHER_HASH}'`],
      ['cost_micros', 'cost_micros = 8'],
      ['overrun_micros', 'overrun_micros = 1'],
      ['input_tokens', 'input_tokens = 99'],
      ['cache_read_tokens', 'cache_read_tokens = 1'],
      ['cache_write_tokens', 'cache_write_tokens = 1'],
      ['output_tokens', 'output_tokens = 19'],
      ['reasoning_tokens', 'reasoning_tokens = 1'],
      ['other_parts', "other_parts = '{}'"],
      ['total_tokens', 'total_tokens = 121'],
      ['pricing', "pricing = 'ceiling'"],
      ['price_id', "price_id = 'other'"],
      ['late', 'late = 1'],
      ['received_at', 'received_at = 2'],
      ['id', "id = 'req-9'"],
      ['source', "source = 'api_token', lease_id = NULL"],
      ['subject_id', "subject_id = 'agent-2'"],
      ['request_id', "request_id = 'call-9'"],
    ] as const
  ).map(([column, change]): Case => [
    `DAT-09 requests: another ${column} of a billed call`,
    `UPDATE requests SET ${change}`,
  ]),
  [
    'requests: an unbilled call keeps its key',
    insertion('requests', unbilled),
    "UPDATE requests SET request_id = 'call-9' WHERE id = 'req-2'",
  ],
  ['DAT-25 requests: a billed call without its key', 'DELETE FROM requests'],
  ['DAT-25 request_keys: of no call', insertion('request_keys', { request_id: 'call-9' })],
  [
    'DAT-25 request_keys: of an unbilled call',
    insertion('requests', unbilled),
    insertion('request_keys', { request_id: 'call-2', id: 'req-2', cost_micros: 0, lease_id: null }),
  ],
  ...Object.entries({
    id: 'req-9',
    payload_hash: OTHER_HASH,
    lease_id: 'lease-2',
    cost_micros: 6,
    overrun_micros: 1,
    pricing: 'ceiling',
    late: 1,
  }).map(([column, value]): Case => [
    `request_keys: another ${column} than the call`,
    insertion('request_keys', { [column]: value }),
  ]),
  ['DAT-09 request_keys: update', insertion('request_keys'), 'UPDATE request_keys SET cost_micros = 1'],
  ['DAT-09 request_keys: delete', insertion('request_keys'), 'DELETE FROM request_keys'],
  ['request_keys: again', insertion('request_keys'), insertion('request_keys')],
  [
    'request_keys: upsert',
    insertion('request_keys'),
    `${insertion('request_keys')} ON CONFLICT (subject_id, request_id) DO UPDATE SET cost_micros = 1`,
  ],
]

/** Refused on SQLite, whose conflict resolution would delete rows without asking a DELETE trigger. */
const REPLACING: readonly Case[] = [
  ['audit_log by number', replacing('audit_log', { id: 'aud-2', prev_hash: HASH })],
  ['audit_log by id', replacing('audit_log', { seq: 2, prev_hash: HASH })],
  ['audit_log by update', "UPDATE OR REPLACE audit_log SET id = 'aud-9'"],
  ['events by number', replacing('events', { dedupe_key: null })],
  ['events by dedupe key', replacing('events', { seq: 2, id: 'evt-2' })],
  ['events by update', 'UPDATE OR REPLACE events SET seq = 1'],
  ['log_heads', "REPLACE INTO log_heads (name, updated_at) VALUES ('events', 1)"],
  ['log_heads by update', "UPDATE OR REPLACE log_heads SET name = 'audit' WHERE name = 'events'"],
  ['ledger_entries by number', replacing('ledger_entries', { amount_micros: 1 })],
  [
    'ledger_entries by version',
    moveBudget(),
    replacing('ledger_entries', nextEntry({ type: 'allocate', lease_id: null })),
  ],
  ['ledger_entries by update', 'UPDATE OR REPLACE ledger_entries SET seq = 1'],
  ['leases by id', replacing('leases', { idempotency_key: 'other' })],
  ['leases by idempotency key', replacing('leases', { id: 'lease-9' })],
  [
    'leases by predecessor',
    insertion('leases', secondLease),
    replacing('leases', { ...secondLease, id: 'lease-3', idempotency_key: 'grant-3' }),
  ],
  [
    'leases by update of the id',
    insertion('leases', secondLease),
    "UPDATE OR REPLACE leases SET id = 'lease-2' WHERE id = 'lease-1'",
  ],
  [
    'leases by update of the key',
    insertion('leases', secondLease),
    "UPDATE OR REPLACE leases SET idempotency_key = 'grant-1' WHERE id = 'lease-2'",
  ],
  ['requests by id', replacing('requests', { request_id: 'call-9' })],
  ['requests by key', replacing('requests', { id: 'req-9' })],
  [
    'requests by update',
    insertion('requests', unbilled),
    "UPDATE OR REPLACE requests SET request_id = 'call-1' WHERE id = 'req-2'",
  ],
  ['request_keys', insertion('request_keys'), replacing('request_keys')],
  ['request_keys by update', insertion('request_keys'), "UPDATE OR REPLACE request_keys SET request_id = 'call-1'"],
]

const ALLOWED: readonly Case[] = [
  ['audit_log: the next row', insertion('audit_log', { seq: 2, id: 'aud-2', prev_hash: HASH, hash: OTHER_HASH })],
  [
    'events: the next rows in one statement',
    `${insertion('events', { seq: 2, id: 'evt-2', dedupe_key: null })}, (3, 'evt-3', 1, 'agent.created', 'agent-1', 'other', '{}')`,
  ],
  [
    'events: below the floor',
    "UPDATE log_heads SET floor = 1 WHERE name = 'events'",
    'DELETE FROM events WHERE seq = 1',
  ],
  ['ledger_entries: the next row', moveBudget(), insertion('ledger_entries', nextEntry())],
  [
    'ledger_entries: the next version',
    moveBudget(', version = 2'),
    insertion('ledger_entries', nextEntry({ type: 'allocate', lease_id: null, version: 2 })),
  ],
  ['leases: reported and ended', 'UPDATE leases SET spent_micros = 4', `UPDATE leases SET ${ended} - spent_micros`],
  ['leases: a late report after the end', `UPDATE leases SET ${ended}`, 'UPDATE leases SET overrun_micros = 5'],
  [
    'leases: returned after a lapse',
    `UPDATE leases SET ${ended}`,
    'UPDATE leases SET returned_at = 4, return_spent_micros = 0',
  ],
  ['leases: a second one', insertion('leases', secondLease)],
  [
    'requests: telemetry tells more of a billed call',
    "UPDATE requests SET outcome = 'failed', error_code = 'x', latency_ms = 5, trace_id = 't'",
  ],
  [
    'requests: an unbilled call becomes billed',
    insertion('requests', unbilled),
    `UPDATE requests SET billed = 1, lease_id = 'lease-1', payload_hash = '${HASH}', cost_micros = 5, received_at = 9 WHERE id = 'req-2'`,
  ],
  ['requests: an unbilled call goes', insertion('requests', unbilled), "DELETE FROM requests WHERE id = 'req-2'"],
  [
    'requests: a billed call without a key goes',
    insertion('requests', keyless),
    "DELETE FROM requests WHERE id = 'req-3'",
  ],
  ['DAT-25 requests: pruned', insertion('request_keys'), "DELETE FROM requests WHERE id = 'req-1'"],
]

/** What our rules say: a statement refused by a unique index or a foreign key alone would prove nothing about them. */
const RULES = new RegExp(
  [
    ' is append-only$',
    ': out of sequence$',
    ': row does not match the budget$',
    ' is final$',
    ' are kept$',
    ': exists already$',
    ': a billed call leaves its key$',
    ': not the copy of a billed call$',
    '^log_heads (rows are permanent|may only move forward)$',
    '^log_heads_(floor_within_head|audit_keeps_all)$',
  ].join('|'),
)
/** PostgreSQL looks at the numbers of events when a statement has written them all: the table itself refuses these before. */
const REFUSED_BY_TABLE = {
  'events: a number again': 'events_pkey',
  'events: no number': 'seq',
  'events: a dedupe key again': 'events_dedupe',
}

const engines = await enginesForTests()
/** Each engine, SQLite with the pragma that fires DELETE triggers on REPLACE and without it. */
const settings = engines.flatMap((dialect): (readonly [title: string, dialect: Engine, recursive: string])[] =>
  dialect === 'sqlite'
    ? [
        ['sqlite, recursive triggers on', dialect, 'ON'],
        ['sqlite, recursive triggers off', dialect, 'OFF'],
      ]
    : [['postgres', dialect, '']],
)

describe.each(settings)('append-only rules on %s', (_, dialect, recursive) => {
  let database: EmptyDatabase

  beforeAll(async () => {
    database = await openEmpty(dialect)
    await applyMigrations(database.host, { mode: 'apply', appVersion: '0.0.0' })
    if (dialect === 'sqlite') await database.rows(`PRAGMA recursive_triggers = ${recursive}`)
    for (const table of ['agent_budgets', 'leases', 'ledger_entries', 'requests', 'audit_log', 'events']) {
      await database.rows(insertion(table))
    }
    await database.rows("INSERT INTO agent_budgets (agent_id, created_at, updated_at) VALUES ('agent-2', 1, 1)")
  })
  afterAll(async () => {
    await database[Symbol.asyncDispose]()
  })

  async function content(): Promise<unknown> {
    const rows: unknown[] = []
    for (const table of TABLES) rows.push(await database.rows(`SELECT * FROM ${table} ORDER BY 1, 2`))
    return rows
  }

  /** What the last statement met, and whether it left the tables as they were. */
  function run(statements: readonly string[]): Promise<{ error: Error | undefined; unchanged: boolean }> {
    return undone(database, async () => {
      for (const statement of statements.slice(0, -1)) await database.rows(statement)
      const before = await content()
      const error = await attempt(database, () => database.rows(statements.at(-1) as string))
      return { error, unchanged: JSON.stringify(await content()) === JSON.stringify(before) }
    })
  }

  const forbidden =
    dialect === 'sqlite'
      ? [...FORBIDDEN, ...REPLACING.map(([title, ...rest]): Case => [`DAT-09 replaces ${title}`, ...rest])]
      : FORBIDDEN

  test.each(forbidden.map(([title, ...statements]) => ({ title, statements })))(
    'refuses $title',
    async ({ title, statements }) => {
      const { error, unchanged } = await run(statements)
      expect(error).toBeInstanceOf(DatabaseError)
      const table = dialect === 'postgres' ? REFUSED_BY_TABLE[title as keyof typeof REFUSED_BY_TABLE] : undefined
      expect(error).toMatchObject({
        code: 'DATABASE_CONSTRAINT',
        details: { constraint: table ?? expect.stringMatching(RULES) },
      })
      expect(unchanged).toBe(true)
    },
  )

  test.each(ALLOWED.map(([title, ...statements]) => ({ title, statements })))(
    'allows $title',
    async ({ statements }) => {
      expect(await run(statements)).toEqual({ error: undefined, unchanged: false })
    },
  )

  test('a log moves its head with every row', async () => {
    await undone(database, async () => {
      await database.rows(insertion('audit_log', { seq: 2, id: 'aud-2', at: 77, prev_hash: HASH, hash: OTHER_HASH }))
      await database.rows(insertion('events', { seq: 2, id: 'evt-2', at: 88, dedupe_key: null }))
      expect(await database.rows('SELECT name, head_seq, head_hash, updated_at FROM log_heads ORDER BY name')).toEqual([
        { name: 'audit', head_seq: 2, head_hash: OTHER_HASH, updated_at: 77 },
        { name: 'events', head_seq: 2, head_hash: null, updated_at: 88 },
      ])
    })
  })

  test('several events of one statement move it to the last', async () => {
    await undone(database, async () => {
      const events = [2, 3, 4].map((seq) => ({ seq, id: `evt-${seq}`, at: 90 - seq, dedupe_key: null }))
      await database.rows(insertions('events', events))
      expect(await database.rows("SELECT head_seq, updated_at FROM log_heads WHERE name = 'events'")).toEqual([
        { head_seq: 4, updated_at: 86 },
      ])
    })
  })

  const onPostgres = dialect === 'postgres' ? test : test.skip
  onPostgres('an event that is skipped, because its key is taken, leaves the log as it is', async () => {
    const skipped = `${insertion('events', { seq: 2, id: 'evt-2' })} ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING`
    expect(await run([skipped])).toEqual({ error: undefined, unchanged: true })
  })

  test('a refusal says the same on both engines', async () => {
    const texts = {
      'DELETE FROM audit_log': 'audit_log is append-only',
      "UPDATE events SET data = ''": 'events is append-only',
      'DELETE FROM leases': 'leases are kept',
      'DELETE FROM requests': 'requests: a billed call leaves its key',
      [insertion('ledger_entries')]: 'ledger_entries: row does not match the budget',
    }
    for (const [statement, constraint] of Object.entries(texts)) {
      expect((await run([statement])).error).toMatchObject({ details: { constraint } })
    }
  })

  if (dialect === 'postgres') {
    test.each(TABLES)('DAT-09 refuses TRUNCATE %s', async (table) => {
      expect(await run([`TRUNCATE ${table} CASCADE`])).toMatchObject({
        error: { code: 'DATABASE_CONSTRAINT' },
        unchanged: true,
      })
    })

    test('DAT-13 refuses TRUNCATE of a parent that would take money with it', async () => {
      for (const parent of ['agent_budgets', 'budget_requests']) {
        expect((await run([`TRUNCATE ${parent} CASCADE`])).error).toMatchObject({ code: 'DATABASE_CONSTRAINT' })
      }
    })
  }

  test('every trigger of the schema is tried here', async () => {
    const tried = [...FORBIDDEN, ...REPLACING, ...ALLOWED].flatMap(([, ...statements]) => statements).join('\n')
    for (const { kind, name, sql } of await describeSchema(database.db, dialect)) {
      // What only keeps sums, counts and tags refuses nothing; it has tests of its own.
      if (kind !== 'trigger' || /_count_|^(budget|owner)_(sums|ranks)_|^agents_(copies|tags)_/.test(name)) continue
      const [, event, table] = /(?:BEFORE|AFTER) (INSERT|UPDATE|DELETE|TRUNCATE) ON (\w+)/.exec(sql) ?? []
      const verb = { INSERT: 'INTO ', UPDATE: '(UPDATE|UPDATE OR REPLACE) ', DELETE: 'DELETE FROM ', TRUNCATE: '' }[
        event as 'INSERT'
      ]
      expect([name, TABLES.includes(table as string)]).toEqual([name, true])
      expect([name, new RegExp(`${verb}${table as string}\\b`).test(tried)]).toEqual([name, true])
    }
  })
})
