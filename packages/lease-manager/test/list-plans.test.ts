/** Lists read what they show, by an index: no table is read or sorted as a whole for a page or for a position in a log. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { encodeCursor, type ReadTx } from '@iron/database'
import { enginesForTests, plansOf } from '@iron/database/testing'
import { BudgetRequestManager } from '../src/index.ts'
import { openWorld, type World } from './world.ts'

interface Listed {
  readonly name: string
  readonly read: (world: World, tx: ReadTx) => Promise<unknown>
  /** Read by one of these, first of all. */
  readonly index: RegExp
  /** Sorts that a plan may hold: of the rows of one page, of a page of each status, or of an agent's few open leases. */
  readonly sorts: number
}

const requests = ({ test }: World): BudgetRequestManager => new BudgetRequestManager(test.db)
const position = encodeCursor(1, 'lease_1')

const INDEX_OF = {
  percentUsed: 'used',
  spent: 'spent',
  remaining: 'left',
  allocated: 'allocated',
  createdAt: 'created',
} as const

const LISTS: readonly Listed[] = [
  {
    name: 'budgets of one owner',
    read: ({ budgets }, tx) => budgets.list({ ownerId: 'owner-1' }, { tx }),
    index: /agent_budgets_owner/,
    sorts: 1,
  },
  ...(['percentUsed', 'spent', 'remaining', 'allocated', 'createdAt'] as const).flatMap((sort) =>
    [sort, `-${sort}`].map((named) => ({
      name: `budgets by ${named}`,
      read: ({ budgets }: World, tx: ReadTx) => budgets.list({}, { sort: named, tx }),
      index: RegExp(`agent_budgets_${INDEX_OF[sort]}`),
      // Of one rank.
      sorts: 0,
    })),
  ),
  {
    name: 'budgets by name',
    read: ({ budgets }, tx) => budgets.list({}, { sort: 'agentName', tx }),
    index: /agents_name/,
    sorts: 0,
  },
  {
    name: 'few budgets of a risk',
    read: ({ budgets }, tx) => budgets.list({ riskLevel: 'low' }, { sort: 'createdAt', tx }),
    index: /agent_budgets_used/,
    sorts: 1,
  },
  {
    name: 'budget history',
    read: ({ budgets }, tx) => budgets.history('a', { tx }),
    index: /ledger_entries_history/,
    sorts: 0,
  },
  {
    name: 'budget history, further on',
    read: ({ budgets }, tx) => budgets.history('a', { after: encodeCursor(1), tx }),
    index: /ledger_entries_history/,
    sorts: 0,
  },
  {
    name: 'ledger, further on',
    read: ({ ledger }, tx) => ledger.list({ agentId: 'a' }, { after: encodeCursor(9), tx }),
    index: /PRIMARY KEY \(agent_id=\? AND seq>\? AND seq<\?\)|ledger_entries_pkey/,
    sorts: 0,
  },
  {
    name: 'leases',
    read: ({ leases }, tx) => leases.list({ agentId: 'a' }, { tx }),
    index: /leases_agent/,
    sorts: 0,
  },
  {
    name: 'leases, further on',
    read: ({ leases }, tx) => leases.list({ agentId: 'a' }, { after: position, tx }),
    index: /leases_agent \(agent_id=\? AND created_at<\?\)|leases_agent/,
    sorts: 0,
  },
  {
    name: 'active leases',
    read: ({ leases }, tx) => leases.list({ agentId: 'a', status: 'active' }, { tx }),
    index: /leases_active/,
    sorts: 1,
  },
  {
    name: 'budget requests',
    read: (world, tx) => requests(world).list({}, { tx }),
    index: /budget_requests_created/,
    sorts: 1,
  },
  {
    name: 'budget requests by what they ask for',
    read: (world, tx) => requests(world).list({}, { sort: '-requestedAllocated', tx }),
    index: /budget_requests_requested/,
    sorts: 1,
  },
  {
    name: 'budget requests of a status by what they ask for',
    read: (world, tx) => requests(world).list({ status: 'pending' }, { sort: 'requestedAllocated', tx }),
    index: /budget_requests_wanted/,
    sorts: 1,
  },
  {
    name: 'budget requests of a status',
    read: (world, tx) => requests(world).list({ status: 'pending' }, { tx }),
    index: /budget_requests_status/,
    sorts: 1,
  },
  {
    name: 'budget requests of a requester',
    read: (world, tx) => requests(world).list({ requesterId: 'user-1' }, { tx }),
    index: /budget_requests_requester/,
    sorts: 1,
  },
]

describe.each(await enginesForTests())('lists on %s', (dialect) => {
  let world: World

  beforeAll(async () => {
    world = await openWorld({ dialect })
    await world.budgets.create('a', usd(100), { ownerId: 'owner-1' })
    await world.test.rows(
      "INSERT INTO agents (id, name, state_changed_at, created_at, updated_at) VALUES ('a', 'a', 1, 1, 1)",
    )
    const asked = { agentId: 'a', requestedAllocated: usd(200), justification: 'more work than was foreseen' }
    await requests(world).create({ ...asked, requesterId: 'user-1' }, 'user-1')
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
  })

  test.each(LISTS)('$name: $index', async ({ read, index, sorts }) => {
    const plans = (await plansOf(world.test.db, (tx) => read(world, tx))).map(({ plan }) => plan).join('\n')
    expect(plans).toMatch(index)
    expect(plans).not.toMatch(/Seq Scan|^SCAN \w+$/m)
    const whole = dialect === 'sqlite' ? /USE TEMP B-TREE FOR ORDER BY/g : /(?<!Incremental )\bSort$/gm
    expect([...plans.matchAll(whole)].length).toBeLessThanOrEqual(sorts)
  })

  test('the budgets of a page are three statements, however many they are', async () => {
    const statements = await plansOf(world.test.db, (tx) => world.budgets.list({}, { tx }))
    expect(statements).toHaveLength(3)
  })
})
