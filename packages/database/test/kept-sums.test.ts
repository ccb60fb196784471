/** What triggers keep for lists is what the rows say, whatever happened to them, whoever wrote them, and in which order. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { seededRandom } from '@iron/test-kit'
import { keptCount, recomputeKeptSums, verifyKeptSums } from '../src/index.ts'
import { applyMigrations } from '../src/migrate/apply.ts'
import { createTestDb, enginesForTests, type TestDb } from '../src/testing.ts'
import { openEmpty } from './migrate/open-empty.ts'
import { shipped } from './migrate/steps.ts'
import { ROWS } from './schema/rows.ts'

const FIGURES = ['allocated', 'reserved', 'spent', 'overdrawn'].flatMap((name) => [`${name}_whole`, `${name}_rest`])

const MAX = 9_007_199_254_740_991n

interface BudgetOf {
  readonly agent_id: string
  readonly owner_id: string | null
  readonly allocated_micros: number
  readonly reserved_micros: number
  readonly spent_micros: number
  readonly archived_at: number | null
  readonly used_rank: number
  readonly spent_rank: number
  readonly left_rank: number
}

/** The grade as its definition has it, in exact integers. */
function gradeOf({ allocated_micros, spent_micros, archived_at }: BudgetOf): number {
  if (archived_at !== null) return -2
  const [allocated, spent] = [BigInt(allocated_micros), BigInt(spent_micros)]
  if (allocated === 0n && spent === 0n) return -1
  if (spent >= allocated) return allocated > 0n && spent > allocated ? 201 : 200
  return Number((spent * 100n) / allocated) * 2 + ((spent * 100n) % allocated > 0n ? 1 : 0)
}

const LEVELS = [200, 180, 160, 100, 0, -1, -2]

/** The key of the sums of an owner's grade; without an owner, everybody's. */
const keyOf = (owner: string, grade: number): string => `${owner} grade ${String(grade)}`

/** The sums of budgets by grade, and of each owner's by level, added up here. */
function sumsOf(budgets: readonly BudgetOf[]): Map<string, bigint[]> {
  const sums = new Map<string, bigint[]>()
  for (const budget of budgets) {
    const [allocated, reserved, spent] = [budget.allocated_micros, budget.reserved_micros, budget.spent_micros].map(
      BigInt,
    ) as [bigint, bigint, bigint]
    const over = spent + reserved - allocated
    const added = [1n, allocated, reserved, spent, over > 0n ? over : 0n]
    const grade = gradeOf(budget)
    const level = LEVELS.find((one) => grade >= one) ?? grade
    const keys = [keyOf('', grade), ...(budget.owner_id === null ? [] : [keyOf(budget.owner_id, level)])]
    for (const key of keys) {
      const before = sums.get(key) ?? added.map(() => 0n)
      sums.set(
        key,
        before.map((sum, index) => sum + (added[index] ?? 0n)),
      )
    }
  }
  return sums
}

async function keptOf(world: TestDb): Promise<Map<string, bigint[]>> {
  const found = new Map<string, bigint[]>()
  for (const row of await world.rows<Record<string, number> & { owner_id: string }>('SELECT * FROM budget_sums')) {
    const figures = ['allocated', 'reserved', 'spent', 'overdrawn'].map(
      (name) => BigInt(row[`${name}_whole`] ?? 0) * 1_000_000n + BigInt(row[`${name}_rest`] ?? 0),
    )
    const added = [BigInt(row['agents'] ?? 0), ...figures]
    const key = keyOf(row.owner_id, row['grade'] ?? 0)
    const before = found.get(key) ?? added.map(() => 0n)
    found.set(
      key,
      before.map((sum, index) => sum + (added[index] ?? 0n)),
    )
  }
  for (const [grade, sums] of found) if (sums.every((sum) => sum === 0n)) found.delete(grade)
  return found
}

const COUNTS = ['agents', 'agent_tags', 'api_tokens', 'budget_requests', 'provider_keys', 'users'] as const

describe.each(await enginesForTests())('on %s', (dialect) => {
  let world: TestDb

  beforeEach(async () => {
    world = await createTestDb({ dialect })
  })
  afterEach(async () => {
    await world.close()
  })

  const budgets = (): Promise<BudgetOf[]> => world.rows<BudgetOf>('SELECT * FROM agent_budgets')

  /** What the agents of each owner hold; of none, what they held once. */
  function heldBy(table: string, sum: string): Promise<unknown[]> {
    return world.rows(`SELECT owner_id, CAST(${sum} AS text) AS held FROM ${table} WHERE owner_id IS NOT NULL
      GROUP BY owner_id HAVING ${sum} > 0 ORDER BY owner_id`)
  }

  async function isSound(): Promise<void> {
    expect(await verifyKeptSums(world.db)).toEqual([])
    expect(await keptOf(world)).toEqual(sumsOf(await budgets()))
    expect(await heldBy('owner_reserved', 'sum(reserved)')).toEqual(
      await heldBy('agent_budgets', 'sum(reserved_micros)'),
    )
    expect(
      await world.rows(`SELECT a.id FROM agents a JOIN agent_budgets b ON b.agent_id = a.id
        WHERE (a.archived = 1) <> (b.archived_at IS NOT NULL) OR coalesce(a.owner_id, '') <> coalesce(b.owner_id, '')`),
    ).toEqual([])
    const tagged = await world.rows<{ id: string; tags: string }>('SELECT id, tags FROM agents')
    const rowsOfTags = tagged.flatMap(({ id, tags }) =>
      [...new Set(JSON.parse(tags) as string[])].map((tag) => `${tag} ${id}`),
    )
    const kept = await world.rows<{ tag: string; agent_id: string }>('SELECT tag, agent_id FROM agent_tags')
    expect(kept.map(({ tag, agent_id: id }) => `${tag} ${id}`).sort()).toEqual(rowsOfTags.sort())
    for (const list of COUNTS) {
      const rows = Number(await world.scalar(`SELECT count(*) FROM ${list}`))
      expect([list, await world.db.read((tx) => keptCount(tx, list))]).toEqual([list, rows])
    }
    const owned = await world.rows<{ part: string; n: number | string }>(
      "SELECT a.state || ' ' || CASE WHEN b.archived_at IS NULL THEN 'active' ELSE 'archived' END || ' ' || coalesce(b.owner_id, '') AS part, count(*) AS n FROM agents a JOIN agent_budgets b ON b.agent_id = a.id GROUP BY 1",
    )
    expect(await world.db.read((tx) => keptCount(tx, 'owned_agents'))).toBe(
      owned.reduce((sum, { n }) => sum + Number(n), 0),
    )
    for (const { part, n } of owned) {
      expect([part, await world.db.read((tx) => keptCount(tx, 'owned_agents', [part]))]).toEqual([part, Number(n)])
    }
  }

  test.each([1, 2, 3])('after any history (%i)', async (seed) => {
    const random = seededRandom(seed)
    const below = (bound: number): number => Math.floor(random() * bound)
    const amount = (): number =>
      [0, 0, 1, below(10_000), below(1_000_000), 100_000_000, below(1_000_000_000), Number(MAX)][below(8)] ?? 0
    const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T
    const ids = Array.from({ length: 12 }, (_, index) => `agent-${String(index)}`)
    await world.rows(
      "INSERT INTO users (id, username, username_key, role, created_at, updated_at) VALUES ('u', 'U', 'u', 'admin', 1, 1)",
    )
    for (const id of ids) {
      const row = 'agent_id, owner_id, allocated_micros, reserved_micros, spent_micros, created_at, updated_at'
      await world.rows(
        `INSERT INTO agent_budgets (${row}) VALUES (?, ?, ?, ?, ?, 1, 1)`,
        id,
        pick(['u', 'v', null]),
        amount(),
        amount(),
        amount(),
      )
    }
    let made = 0
    for (let step = 0; step < (dialect === 'sqlite' ? 300 : 80); step += 1) {
      const [id, kind] = [pick(ids), below(10)]
      made += 1
      if (kind <= 2) {
        const set = 'allocated_micros = ?, reserved_micros = ?, spent_micros = ?'
        await world.rows(`UPDATE agent_budgets SET ${set} WHERE agent_id = ?`, amount(), amount(), amount(), id)
      }
      if (kind === 3) await world.rows('UPDATE agent_budgets SET spent_micros = ? WHERE created_at = 1', amount())
      if (kind === 4) {
        await world.rows('UPDATE agent_budgets SET archived_at = ? WHERE agent_id = ?', pick([null, 5]), id)
        const set = 'archived_at = ?, owner_id = ?'
        await world.rows(
          `UPDATE agent_budgets SET ${set} WHERE agent_id = ?`,
          pick([null, 5]),
          pick([null, 'u', 'v']),
          pick(ids),
        )
      }
      if (kind === 5) {
        const values = 'INSERT INTO agents (id, name, state, tags, state_changed_at, created_at, updated_at) VALUES'
        const state = pick(['running', 'idle', 'stopped', 'failed'])
        const tags = pick([[], ['a'], ['b', 'a "quoted" one'], ['ä', 'b', 'a'], ['a', 'a']])
        await world.rows(
          `${values} (?, 'n', ?, ?, 1, 1, 1) ON CONFLICT (id) DO UPDATE SET state = excluded.state, tags = excluded.tags`,
          id,
          state,
          JSON.stringify(tags),
        )
      }
      if (kind === 6) {
        const columns = 'id, username, username_key, role, created_at, updated_at, deleted_at, suspended_at'
        const name = `user-${String(made)}`
        const values = [name, name, name, pick(['admin', 'user', 'viewer']), pick([null, 1]), pick([null, 1])]
        await world.rows(`INSERT INTO users (${columns}) VALUES (?, ?, ?, ?, 1, 1, ?, ?)`, ...values)
        await world.rows(
          "UPDATE users SET role = ?, suspended_at = ? WHERE id > 'user-5'",
          pick(['user', 'viewer']),
          pick([null, 2]),
        )
      }
      if (kind === 7) {
        await world.rows(
          "INSERT INTO providers (id, name, kind, base_url, created_at, updated_at) VALUES (?, ?, 'openai', 'https://u.test', 1, 1)",
          `prov-${String(made)}`,
          `prov-${String(made)}`,
        )
        await world.rows(
          "INSERT INTO provider_keys (id, provider_id, status, sealed, vault_key_id, masked, created_at, created_by) VALUES (?, ?, 'active', 's', 'k', 'm', 1, 'u')",
          `key-${String(made)}`,
          `prov-${String(made)}`,
        )
        await world.rows(
          "UPDATE provider_keys SET status = 'retired', retired_at = 1 WHERE status = 'active' AND id < ?",
          `key-${String(below(made))}`,
        )
        await world.rows(
          "INSERT INTO api_tokens (id, owner_id, name, created_at) VALUES (?, 'u', 't', 1)",
          `tok-${String(made)}`,
        )
        await world.rows(
          'UPDATE api_tokens SET revoked_at = 1, last_used_at = 1 WHERE id = ?',
          `tok-${String(made - below(9))}`,
        )
        await world.rows('DELETE FROM api_tokens WHERE id = ?', `tok-${String(made - below(20))}`)
      }
      if (kind === 8) {
        const columns =
          'id, agent_id, requester_id, status, allocated_micros, requested_allocated_micros, justification, created_at'
        const values = [`breq-${String(made)}`, id]
        await world.rows(
          `INSERT INTO budget_requests (${columns}) VALUES (?, ?, 'u', 'pending', 1, 2, 'more work than was foreseen', 1)`,
          ...values,
        )
        await world.rows(
          "UPDATE budget_requests SET status = 'cancelled', cancelled_at = 1 WHERE id < ?",
          `breq-${String(below(made))}`,
        )
      }
      if (kind === 9) {
        const set = 'owner_id = ?, spent_micros = ?'
        const where = pick(["owner_id = 'u'", "owner_id = 'v'", 'owner_id IS NULL', 'created_at = 1'])
        await world.rows(`UPDATE agent_budgets SET ${set} WHERE ${where}`, pick([null, 'u', 'v w']), amount())
        await world.rows("DELETE FROM agent_budgets WHERE agent_id LIKE 'spare-%'")
        await world.rows(
          'INSERT INTO agent_budgets (agent_id, owner_id, allocated_micros, created_at, updated_at) VALUES (?, ?, ?, 1, 1)',
          `spare-${String(made)}`,
          pick([null, 'u', 'v w']),
          amount(),
        )
      }
      if (step % 20 === 0) await isSound()
    }
    await isSound()
  })

  test('a statement that moves many rows counts them together, and one that is undone not at all', async () => {
    const many = 300
    await world.rows(`INSERT INTO agent_budgets (agent_id, owner_id, created_at, updated_at)
      WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < ${String(many - 1)})
      SELECT 'many-' || i, CASE WHEN i % 3 = 0 THEN 'u' ELSE 'v' END, 1, 1 FROM n`)
    await world.db.write(async (tx) => {
      const run = (sql: string) => tx.execute<{ written: number }>({ sql, parameters: [] })
      await run('SAVEPOINT undone')
      await run("UPDATE agent_budgets SET owner_id = 'x'")
      await run('ROLLBACK TO SAVEPOINT undone')
      await run("UPDATE agent_budgets SET archived_at = 5, owner_id = 'w' WHERE owner_id = 'u'")
      if (dialect === 'postgres') {
        const { rows } = await run(
          "SELECT n_tup_ins + n_tup_upd AS written FROM pg_stat_xact_user_tables WHERE relname = 'budget_sums'",
        )
        // One row for each of an owner's sums in either statement, and for each of the archived one of everybody's.
        expect(rows[0]?.written).toBeLessThan(2 * (many / 3) + 20)
      }
    })
    const counts = await world.rows<{ owner_id: string; grade: number; agents: number | string }>(
      'SELECT owner_id, grade, sum(agents) AS agents FROM budget_sums GROUP BY owner_id, grade HAVING sum(agents) <> 0',
    )
    expect(counts.map((row) => `${row.owner_id} ${String(row.grade)}: ${String(row.agents)}`).sort()).toEqual([
      ' -1: 200',
      ' -2: 100',
      'v -1: 200',
      'w -2: 100',
    ])
    await isSound()
  })

  test('a statement that moves rows of many owners counts them in time', async () => {
    const many = 3_000
    const numbers = `WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < ${String(many - 1)})`
    await world.rows(`INSERT INTO agent_budgets (agent_id, owner_id, allocated_micros, created_at, updated_at)
      ${numbers} SELECT 'many-' || i, 'owner-' || i, i, 1, 1 FROM n`)
    await world.rows(`INSERT INTO agents (id, name, state_changed_at, created_at, updated_at)
      ${numbers} SELECT 'many-' || i, 'n', 1, 1, 1 FROM n`)
    await isSound()
    const began = performance.now()
    await world.rows("UPDATE agent_budgets SET owner_id = owner_id || ' or another', archived_at = 5")
    // Two seconds on PostgreSQL. With notes of all of them, written anew for each, it is cut before it ends.
    expect(performance.now() - began).toBeLessThan(15_000)
    await isSound()
  })

  test('ranks order budgets as their amounts do', async () => {
    const amounts = [
      0,
      1,
      9_999,
      10_000,
      10_001,
      99_999,
      100_000,
      1_234_567,
      9_999_999,
      10_000_000,
      10_400_000,
      123_456_789,
      Number(MAX),
    ]
    for (const [first, allocated] of amounts.entries()) {
      for (const [second, spent] of amounts.entries()) {
        const row = 'agent_id, allocated_micros, spent_micros, created_at, updated_at'
        await world.rows(
          `INSERT INTO agent_budgets (${row}) VALUES (?, ?, ?, 1, 1)`,
          `a-${String(first)}-${String(second)}`,
          allocated,
          spent,
        )
      }
    }
    const all = await budgets()
    const ordered = (rank: (budget: BudgetOf) => number, compare: (one: BudgetOf, other: BudgetOf) => bigint): void => {
      const wrong = all.flatMap((one) =>
        all
          .filter((other) => {
            const by = compare(one, other)
            return by > 0n ? rank(one) < rank(other) : by === 0n && rank(one) !== rank(other)
          })
          .map((other) => [one, other]),
      )
      expect(wrong).toEqual([])
    }
    const [a, s] = [(b: BudgetOf) => BigInt(b.allocated_micros), (b: BudgetOf) => BigInt(b.spent_micros)]
    ordered(
      ({ spent_rank }) => spent_rank,
      (one, other) => s(one) - s(other),
    )
    ordered(
      ({ left_rank }) => left_rank,
      (one, other) => a(one) - s(one) - (a(other) - s(other)),
    )
    // Nothing of nothing is 0 percent, something of nothing 100.
    const share = (b: BudgetOf): readonly [bigint, bigint] =>
      a(b) > 0n ? [s(b), a(b)] : s(b) > 0n ? [1n, 1n] : [0n, 1n]
    ordered(
      ({ used_rank }) => used_rank,
      (one, other) => share(one)[0] * share(other)[1] - share(other)[0] * share(one)[1],
    )
  })

  test('what was written while no trigger ran is found, and computed anew', async () => {
    await world.rows(
      "INSERT INTO agent_budgets (agent_id, allocated_micros, created_at, updated_at) VALUES ('a', 5000000, 1, 1)",
    )
    await world.rows('UPDATE budget_sums SET agents = agents + 1, spent_rest = spent_rest + 3')
    // Of owners whose names differ in a space, neither hides the other.
    const owned =
      'INSERT INTO budget_sums (owner_id, grade, shard, agents' + FIGURES.map((name) => `, ${name}`).join('')
    for (const [owner, agents] of [
      ['x', 1],
      [' x', -1],
    ] as const) {
      await world.rows(`${owned}) VALUES (?, 0, 0, ?${', 0'.repeat(FIGURES.length)})`, owner, agents)
    }
    await world.rows("INSERT INTO list_counts (list, part, shard, entries) VALUES ('users', 'user active', 0, 2)")
    await world.rows('UPDATE agent_budgets SET left_rank = 7')
    await world.rows(
      "INSERT INTO agents (id, name, tags, state_changed_at, created_at, updated_at) VALUES ('a', 'n', '[\"t\"]', 1, 1, 1)",
    )
    await world.rows('DELETE FROM agent_tags')
    await world.rows("UPDATE agents SET archived = 1, owner_id = 'x'")
    const faults = (await verifyKeptSums(world.db)).map((fault) => JSON.stringify(fault)).sort()
    const expected = [
      { table: 'agent_budgets', key: 'a', what: 'rank', kept: null, computed: null },
      { table: 'agents', key: 'a', what: 'archived', kept: null, computed: null },
      { table: 'agents', key: 'a', what: 'owner_id', kept: null, computed: null },
      { table: 'agent_tags', key: 'a', what: 'tags', kept: null, computed: null },
      { table: 'budget_sums', key: '0', what: 'agents', kept: 2, computed: 1 },
      { table: 'budget_sums', key: '0', what: 'spent_rest', kept: 3, computed: 0 },
      { table: 'budget_sums', key: 'x 0', what: 'agents', kept: 1, computed: 0 },
      { table: 'budget_sums', key: 'x 0', what: 'agents', kept: -1, computed: 0 },
      { table: 'list_counts', key: 'users user active', what: 'entries', kept: 2, computed: 0 },
    ]
    expect(faults).toEqual(expected.map((fault) => JSON.stringify(fault)).sort())
    await recomputeKeptSums(world.db)
    await isSound()
  })

  test('the step that begins to keep them counts what is there', async () => {
    await using database = await openEmpty(dialect)
    const apply = (steps: typeof shipped): Promise<unknown> =>
      applyMigrations(database.host, { mode: 'apply', appVersion: '1.2.3', steps })
    await apply(shipped.slice(0, 4))
    for (const table of ['users', 'api_tokens', 'providers', 'agent_budgets', 'agents', 'budget_requests']) {
      const row = ROWS[table] ?? {}
      const places = Object.keys(row)
        .map(() => '?')
        .join(', ')
      await database.rows(
        `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${places})`,
        ...Object.values(row),
      )
    }
    await apply(shipped.slice(0, 5))
    expect(await database.rows('SELECT list, part, entries FROM list_counts ORDER BY list')).toEqual([
      { list: 'agents', part: 'idle active', entries: 1 },
      { list: 'api_tokens', part: 'kept', entries: 1 },
      { list: 'budget_requests', part: 'pending', entries: 1 },
      { list: 'owned_agents', part: 'idle active user-1', entries: 1 },
      { list: 'users', part: 'admin active', entries: 1 },
    ])
    const sums = 'SELECT owner_id, grade, agents, allocated_whole, allocated_rest FROM budget_sums ORDER BY owner_id'
    expect(await database.rows(sums)).toEqual([
      { owner_id: '', grade: 0, agents: 1, allocated_whole: 5, allocated_rest: 0 },
      { owner_id: 'user-1', grade: 0, agents: 1, allocated_whole: 5, allocated_rest: 0 },
    ])
    expect(await database.rows('SELECT used_rank, spent_rank, left_rank FROM agent_budgets')).toEqual([
      { used_rank: 0, spent_rank: 1000, left_rank: 3500 },
    ])
  })

  if (dialect === 'postgres') {
    test('nobody waits for the sums that another transaction has changed', async () => {
      for (const id of ['a', 'b', 'c']) {
        await world.rows(
          "INSERT INTO agent_budgets (agent_id, owner_id, allocated_micros, created_at, updated_at) VALUES (?, 'u', 9, 1, 1)",
          id,
        )
      }
      const change = (id: string) => ({
        sql: 'UPDATE agent_budgets SET reserved_micros = 1 WHERE agent_id = $1',
        parameters: [id],
      })
      // Begun outside of the transaction: they are somebody else's.
      const changed = Promise.withResolvers<undefined>()
      const others = changed.promise.then(() =>
        Promise.all(['b', 'c'].map((id) => world.db.write((other) => other.execute(change(id))))),
      )
      await world.db.write(async (tx) => {
        await tx.execute(change('a'))
        changed.resolve(undefined)
        expect(await others).toHaveLength(2)
      })
      for (const owner of ['', 'u']) {
        const rows = await world.scalar('SELECT count(*) FROM budget_sums WHERE owner_id = ?', owner)
        expect([owner, Number(rows) > 1]).toEqual([owner, true])
      }
      await isSound()
    })
  }
})
