/** Pages of agents with a tag, of an owner, or with a text in their name, are those of everything sorted here, however many there are. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ReadTx, verifyKeptSums } from '@iron/database'
import { enginesForTests, plansOf } from '@iron/database/testing'
import type { AgentFilter } from '../src/index.ts'
import { createWorld, type World } from './world.ts'

/** More with a frequent tag, and of one owner, than are gathered for a page. */
const AGENTS = 2_400
const QUOTED = 'a "rare" one'
const PER_PAGE = 50

interface Row {
  readonly id: string
  readonly name: string
  readonly tags: string
  readonly state: string
  readonly created_at: number
  readonly archived_at: number | null
  readonly owner_id: string
}

describe.each(await enginesForTests())('agents by tag, name and owner on %s', (dialect) => {
  let world: World

  beforeAll(async () => {
    world = await createWorld(dialect)
    // PostgreSQL would look at the rows by itself at some moment, and plan otherwise from then on: nearly all are of one owner.
    if (dialect === 'postgres') {
      for (const table of ['agents', 'agent_budgets'])
        await world.test.rows(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`)
    }
    const id = dialect === 'postgres' ? `'agent_' || lpad(i::text, 5, '0')` : `printf('agent_%05d', i)`
    const fill = (table: string, values: Readonly<Record<string, string>>): Promise<unknown> =>
      world.test.rows(`INSERT INTO ${table} (${Object.keys(values).join(', ')})
        WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < ${String(AGENTS - 1)})
        SELECT ${Object.values(values).join(', ')} FROM n`)
    await fill('agent_budgets', {
      agent_id: id,
      owner_id: `CASE WHEN i % 40 = 3 THEN '${world.owner.id}' ELSE 'somebody' END`,
      archived_at: 'CASE WHEN i % 9 = 4 THEN 5 END',
      created_at: '1',
      updated_at: '1',
    })
    await fill('agents', {
      id,
      name: String.raw`CASE WHEN i % 60 = 8 THEN 'A%b_C\É*[x] ' || i ELSE 'Name ' || (i * 7919 % 997) END`,
      tags: `CASE WHEN i % 50 = 4 THEN '${JSON.stringify([QUOTED, 'eu'])}' WHEN i % 11 = 0 THEN '[]' ELSE '["batch","eu"]' END`,
      state: `CASE WHEN i % 4 = 0 THEN 'running' ELSE 'idle' END`,
      state_changed_at: '1',
      created_at: 'i / 2',
      updated_at: '1',
    })
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
  })

  /** Compares the first, the second and the last page of a list. */
  async function isNaive(filter: AgentFilter, sorts: readonly string[]): Promise<void> {
    const { tag, status, state, name, ownerId } = filter
    const all = await world.test.rows<Row>(
      'SELECT a.*, b.archived_at, b.owner_id FROM agents a JOIN agent_budgets b ON b.agent_id = a.id',
    )
    const fits = all.filter(
      (row) =>
        (tag === undefined || (JSON.parse(row.tags) as string[]).includes(tag)) &&
        (status === undefined || (status === 'archived') === (row.archived_at !== null)) &&
        (state === undefined || row.state === state) &&
        (name === undefined || row.name.toLowerCase().includes(name.normalize('NFC').toLowerCase())) &&
        (ownerId === undefined || row.owner_id === ownerId),
    )
    for (const sort of sorts) {
      const by = (row: Row): string | number => (sort === 'name' ? row.name : -row.created_at)
      const sorted = fits.toSorted((a, b) => {
        if (by(a) !== by(b)) return by(a) < by(b) ? -1 : 1
        return (a.id < b.id ? -1 : 1) * (sort === 'name' ? 1 : -1)
      })
      for (const page of [1, 2, Math.max(1, Math.ceil(fits.length / PER_PAGE))]) {
        const { data, total } = await world.registry.list(filter, { sort, page })
        const wanted = sorted.slice((page - 1) * PER_PAGE, page * PER_PAGE).map(({ id }) => id)
        expect([filter, sort, page, total, data.map(({ id }) => id)]).toEqual([filter, sort, page, fits.length, wanted])
      }
    }
  }

  test.each([QUOTED, 'batch', 'eu', 'rare', 'bat'])('%s', async (tag) => {
    const more: readonly AgentFilter[] = [
      {},
      { status: 'active' },
      { status: 'archived' },
      { state: 'running' },
      { status: 'active', name: '7' },
      { ownerId: world.owner.id },
    ]
    for (const filter of more) await isNaive({ tag, ...filter }, ['-createdAt', 'name'])
  })

  // Many, few and none; what a pattern would mean is plain (VAL-11).
  test.each([
    'nAME',
    '7',
    '77',
    'E 77',
    'a%B',
    'b_c',
    'C\\É',
    'c\\é',
    'É',
    'E\u0301',
    '\\',
    '*[x]',
    '%b%',
    '____',
    'a*',
    '',
  ])('name: %j', async (name) => {
    const more: readonly AgentFilter[] = [
      {},
      { status: 'active' },
      { status: 'archived' },
      { state: 'running', status: 'active' },
      { ownerId: world.owner.id, status: 'active' },
    ]
    for (const filter of more) await isNaive({ name, ...filter }, ['-createdAt', 'name', '-updatedAt'])
  })

  test('an owner of many, of few and of none', async () => {
    for (const ownerId of ['somebody', world.owner.id, 'nobody']) {
      const filters: readonly AgentFilter[] = [
        { status: 'active' },
        { status: 'archived' },
        {},
        { status: 'active', state: 'idle' },
        { status: 'active', name: '7' },
        { status: 'active', name: 'E 77' },
        { status: 'active', tag: 'batch' },
        { status: 'active', tag: QUOTED, state: 'running' },
      ]
      for (const filter of filters) await isNaive({ ownerId, ...filter }, ['-createdAt', 'name', '-updatedAt'])
    }
  })

  test('those of an owner of many are found by an index that has them in their order', async () => {
    const plans = async (filter: AgentFilter): Promise<string> => {
      const list = (tx: ReadTx) => world.registry.list({ ownerId: 'somebody', ...filter }, { tx })
      const statements = (await plansOf(world.db, list)).filter(({ sql }) => sql.includes('owner_id" ='))
      return statements.map(({ plan }) => plan).join('\n')
    }
    for (const filter of [{}, { status: 'active' }, { state: 'idle' }, { name: 'E 77' }] as const) {
      expect(await plans(filter)).toMatch(/agents_owner/)
      expect(await plans(filter)).not.toMatch(/agent_budgets_owner/)
    }
    // A budget of no agent is not counted.
    await world.test.rows(
      "INSERT INTO agent_budgets (agent_id, owner_id, created_at, updated_at) VALUES ('alone', 'somebody', 1, 1)",
    )
    try {
      await isNaive({ ownerId: 'somebody', status: 'active' }, ['name'])
    } finally {
      await world.test.rows("DELETE FROM agent_budgets WHERE agent_id = 'alone'")
    }
  })

  test('a rare name is looked for once, in the index that has the names', async () => {
    const statements = await plansOf(world.db, (tx) => world.registry.list({ name: 'E 77', status: 'active' }, { tx }))
    const searches = statements.filter(({ sql }) => /like|strpos/i.test(sql))
    expect(searches).toHaveLength(1)
    expect(searches[0]?.plan).not.toMatch(/agent_budgets/)
    if (dialect === 'sqlite') expect(searches[0]?.plan).toBe('SCAN a USING COVERING INDEX agents_created')
  })

  test('a tag is looked up, and its agents come in the order of the list', async () => {
    const statements = await plansOf(world.db, (tx) => world.registry.list({ tag: QUOTED, status: 'active' }, { tx }))
    const page = statements.map(({ sql, plan }) => (sql.includes('agent_tags') ? plan : '')).join('')
    expect(page).toMatch(
      dialect === 'sqlite' ? /SEARCH t USING PRIMARY KEY \(tag=\?\)/ : /agent_tags_pkey on agent_tags t/,
    )
    // Of the rows of one page.
    expect(page.match(/USE TEMP B-TREE|(?<!Incremental )\bSort$/gm)?.length ?? 0).toBeLessThanOrEqual(1)
  })

  test('tags that change, and agents that are archived, are counted anew', async () => {
    const { registry, owner } = world
    const { agent } = await world.agent({ tags: ['mine', 'ours'] })
    const totals = async (): Promise<number[]> => {
      const filters: readonly AgentFilter[] = [{ tag: 'mine' }, { tag: 'ours', status: 'active' }, { tag: 'new' }]
      return Promise.all(filters.map(async (filter) => (await registry.list(filter)).total))
    }
    expect(await totals()).toEqual([1, 1, 0])
    await registry.update(agent.id, { tags: ['ours', 'new'] }, owner.id)
    expect(await totals()).toEqual([0, 1, 1])
    await registry.archive(agent.id, owner.id)
    expect(await totals()).toEqual([0, 0, 1])
    expect(await verifyKeptSums(world.db)).toEqual([])
  })

  test('a tag is found in whatever form its letters come', async () => {
    const { agent } = await world.registry.create(
      { name: 'a', ownerId: world.owner.id, tags: ['e\u0301te'] },
      world.owner.id,
    )
    for (const tag of ['e\u0301te', '\u00e9te']) {
      expect((await world.registry.list({ tag })).data.map(({ id }) => id)).toEqual([agent.id])
    }
  })
})
