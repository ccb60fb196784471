/** A page of agents is read by an index, and costs the same number of statements however many agents are on it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { enginesForTests, plansOf } from '@iron/database/testing'
import type { AgentFilter } from '../src/index.ts'
import { createWorld, type World } from './world.ts'

const LISTS: readonly {
  readonly name: string
  readonly filter: AgentFilter
  readonly sort?: string
  readonly index: RegExp
  readonly sorts: number
}[] = [
  { name: 'active agents', filter: { status: 'active' }, index: /agents_created/, sorts: 1 },
  { name: 'all agents', filter: {}, index: /agents_created/, sorts: 1 },
  { name: 'agents by name', filter: { status: 'active' }, sort: 'name', index: /agents_name/, sorts: 1 },
  { name: 'agents by change', filter: { status: 'active' }, sort: '-updatedAt', index: /agents_updated/, sorts: 1 },
  { name: 'running agents', filter: { status: 'active', state: 'running' }, index: /agents_running/, sorts: 1 },
  // What one owner has is sorted, and so is the page.
  { name: 'agents of an owner', filter: { ownerId: 'u' }, index: /agents_owner/, sorts: 2 },
  {
    name: 'active agents of an owner',
    filter: { ownerId: 'u', status: 'active' },
    index: /agents_owner/,
    sorts: 2,
  },
]

describe.each(await enginesForTests())('lists on %s', (dialect) => {
  let world: World

  beforeAll(async () => {
    world = await createWorld(dialect)
    await world.agent()
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
  })

  test.each(LISTS)('$name: $index', async ({ filter, sort, index, sorts }) => {
    const statements = await plansOf(world.db, (tx) => world.registry.list(filter, { sort, tx }))
    const plans = statements.map(({ plan }) => plan)
    expect(plans.join('\n')).toMatch(index)
    expect(plans.join('\n')).not.toMatch(/Seq Scan|^SCAN \w+$/m)
    const whole = dialect === 'sqlite' ? /USE TEMP B-TREE FOR ORDER BY/g : /(?<!Incremental )\bSort$/gm
    expect([...plans.join('\n').matchAll(whole)].length).toBeLessThanOrEqual(sorts)
  })

  test('the last page is counted from the end', async () => {
    await using many = await createWorld(dialect)
    const ids: string[] = []
    for (let n = 0; n < 7; n += 1) ids.push((await many.agent({ name: `agent ${n}` })).agent.id)
    const seen: string[][] = []
    for (const sort of ['createdAt', '-createdAt', 'name', '-name']) {
      const pages = [1, 2, 3, 4].map((page) => many.registry.list({ status: 'active' }, { page, perPage: 3, sort }))
      seen.push((await Promise.all(pages)).flatMap(({ data }) => data.map(({ id }) => id)))
    }
    expect(seen).toEqual([ids, ids.toReversed(), ids, ids.toReversed()])
  })

  test('a page is four statements, and none of them counts agents', async () => {
    for (let n = 0; n < 3; n += 1) await world.agent()
    expect(await plansOf(world.db, (tx) => world.registry.list({ status: 'active' }, { tx }))).toHaveLength(4)
  })
})
