/** A list of more budgets than are sorted at once: every page, order, filter and sum is that of all budgets looked at one by one. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { enginesForTests, recordStatements, seededRandom } from '@iron/database/testing'
import type { BudgetFilter } from '../../src/index.ts'
import { openWorld, type World } from '../world.ts'

/** Most of them are active and of one owner, so that a filter may leave more than are gathered and sorted. */
const AGENTS = 5_000
const AT_ONCE = 200

interface Row {
  readonly id: string
  readonly name: string
  readonly ownerId: string
  readonly allocated: number
  readonly reserved: number
  readonly spent: number
  readonly createdAt: number
  readonly archivedAt: number | null
}

function madeUp(): readonly Row[] {
  const random = seededRandom(7)
  const below = (bound: number): number => Math.floor(random() * bound)
  return Array.from({ length: AGENTS }, (_, index): Row => {
    const allocated = [0, 100_000_000, 100_000_000, below(1_000_000_000)][below(4)] ?? 0
    const spent = [0, below(allocated + 1), below(allocated + 1), below(2 * allocated + 2), allocated][below(5)] ?? 0
    return {
      id: `agent-${String((index * 7919) % AGENTS).padStart(5, '0')}`,
      name: `name ${String(below(500))}`,
      ownerId: index % 25 === 7 ? 'few' : 'many',
      allocated,
      reserved: below(3) === 0 ? Math.max(0, allocated - spent) : 0,
      spent,
      createdAt: below(900),
      archivedAt: below(20) === 0 ? 5 : null,
    }
  })
}

async function fill({ test: db }: World, rows: readonly Row[], areNamed: boolean): Promise<void> {
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    const part = rows.slice(from, from + AT_ONCE)
    const budgets = part.map(() => '(?, ?, ?, ?, ?, ?, ?, ?)').join(', ')
    await db.rows(
      `INSERT INTO agent_budgets (agent_id, owner_id, allocated_micros, reserved_micros, spent_micros, created_at, updated_at, archived_at) VALUES ${budgets}`,
      ...part.flatMap((row) => [
        row.id,
        row.ownerId,
        row.allocated,
        row.reserved,
        row.spent,
        row.createdAt,
        row.createdAt,
        row.archivedAt,
      ]),
    )
    if (!areNamed) continue
    const agents = part.map(() => '(?, ?, 1, 1, 1)').join(', ')
    await db.rows(
      `INSERT INTO agents (id, name, state_changed_at, created_at, updated_at) VALUES ${agents}`,
      ...part.flatMap(({ id, name }) => [id, name]),
    )
  }
}

const shareOf = ({ allocated, spent }: Row): number => (allocated > 0 ? spent / allocated : spent > 0 ? 1 : 0)
const isUnfunded = ({ allocated, spent }: Row): boolean => allocated === 0 && spent === 0

function fits(row: Row, { ownerId, status, riskLevel, threshold }: BudgetFilter): boolean {
  const { allocated, spent } = row
  const percent = shareOf(row) * 100
  const ofStatus = isUnfunded(row) ? 'unfunded' : spent < allocated ? 'active' : 'exhausted'
  const bounds = [
    [0, 'low'],
    [50, 'medium'],
    [80, 'high'],
    [90, 'critical'],
  ] as const
  // Nothing of nothing is 0 percent.
  const reached = bounds.findLast(([from]) => from === 0 || (!isUnfunded(row) && spent * 100 >= allocated * from))
  const ofRisk = ofStatus === 'exhausted' ? 'exhausted' : reached?.[1]
  return (
    (ownerId === undefined || ownerId === row.ownerId) &&
    (status === undefined || status === ofStatus) &&
    (riskLevel === undefined || riskLevel === ofRisk) &&
    (threshold === undefined || percent > threshold)
  )
}

const KEYS: Readonly<Record<string, (row: Row) => number | string>> = {
  percentUsed: shareOf,
  allocated: ({ allocated }) => allocated,
  spent: ({ spent }) => spent,
  remaining: ({ allocated, reserved, spent }) => allocated - reserved - spent,
  agentName: ({ name }) => name,
  createdAt: ({ createdAt }) => createdAt,
}

const FILTERS: readonly BudgetFilter[] = [
  {},
  { status: 'active' },
  { status: 'exhausted' },
  { status: 'unfunded' },
  { riskLevel: 'low' },
  { riskLevel: 'critical' },
  { threshold: 0 },
  { threshold: 80 },
  { threshold: 100 },
  { status: 'active', threshold: 50, riskLevel: 'high' },
  { status: 'unfunded', riskLevel: 'high' },
  { ownerId: 'many' },
  { ownerId: 'few' },
  { ownerId: 'nobody' },
  ...(['active', 'exhausted', 'unfunded'] as const).map((status) => ({ ownerId: 'many', status })),
  ...(['low', 'medium', 'high', 'critical', 'exhausted'] as const).map((riskLevel) => ({ ownerId: 'many', riskLevel })),
  ...[0, 50, 80, 100].map((threshold) => ({ ownerId: 'many', threshold })),
  { ownerId: 'few', status: 'active', riskLevel: 'critical', threshold: 95 },
  { ownerId: 'many', status: 'unfunded', riskLevel: 'high' },
]

describe.each(await enginesForTests())('budgets on %s', (dialect) => {
  const rows = madeUp()
  const live = rows.filter(({ archivedAt }) => archivedAt === null)
  let world: World

  beforeAll(async () => {
    world = await openWorld({ dialect })
    await fill(world, rows, true)
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
  })

  test.each(FILTERS)('of %j: every page of every order, and the sums', async (filter) => {
    const matches = live.filter((row) => fits(row, filter))
    const sum = (of: (row: Row) => number): bigint => matches.reduce((total, row) => total + BigInt(of(row)), 0n)
    for (const [sort, key] of Object.entries(KEYS)) {
      const ascending = matches.toSorted((one, other) => {
        const [a, b] = [key(one), key(other)]
        return a < b ? -1 : a > b ? 1 : one.id < other.id ? -1 : 1
      })
      const last = Math.max(1, Math.ceil(matches.length / 100))
      for (const [named, expected] of [
        [sort, ascending],
        [`-${sort}`, ascending.toReversed()],
      ] as const) {
        for (const page of new Set([1, Math.ceil(last / 2), last])) {
          const found = await world.budgets.list(filter, { page, perPage: 100, sort: named })
          const ids = expected.slice((page - 1) * 100, page * 100).map(({ id }) => id)
          expect([named, page, found.data.map(({ agentId }) => agentId)]).toEqual([named, page, ids])
          expect(found.total).toBe(matches.length)
        }
      }
    }
    const { summary } = await world.budgets.list(filter)
    expect(summary).toMatchObject({
      agents: matches.length,
      active: matches.filter(({ allocated, spent }) => spent < allocated).length,
      unfunded: matches.filter(isUnfunded).length,
      allocated: sum(({ allocated }) => allocated),
      reserved: sum(({ reserved }) => reserved),
      spent: sum(({ spent }) => spent),
      remaining: sum(({ allocated, reserved, spent }) => Math.max(0, allocated - reserved - spent)),
      overdrawn: sum(({ allocated, reserved, spent }) => Math.max(0, reserved + spent - allocated)),
    })
  })

  test.each([{}, { status: 'active' }, { status: 'exhausted' }, { riskLevel: 'high' }] as const)(
    'those of an owner of many are summed up without a look at them: %j',
    async (filter) => {
      const statements = await recordStatements(world.test.db, (tx) =>
        world.budgets.list({ ownerId: 'many', ...filter }, { tx, perPage: 5 }),
      )
      const sums = statements.map(({ sql }) => sql).filter((sql) => /sum\(/.test(sql))
      expect(sums.join()).toContain('budget_sums')
      expect(sums.join()).not.toContain('agent_budgets')
      const matches = live.filter((row) => fits(row, { ownerId: 'many', ...filter })).length
      const isAlong = statements.some(({ sql }) => sql.includes('IS TRUE'))
      expect(isAlong).toBe(matches > 2_000)
    },
  )

  test('by name, some without one', async () => {
    await using nameless = await openWorld({ dialect })
    await fill(nameless, rows.slice(0, 40), true)
    await fill(nameless, rows.slice(40, 60), false)
    const expected = rows
      .slice(0, 60)
      .filter(({ archivedAt }) => archivedAt === null)
      .map((row, index) => ({ id: row.id, name: rows.indexOf(row) < 40 ? row.name : '', index }))
      .sort((one, other) => (one.name === other.name ? (one.id < other.id ? -1 : 1) : one.name < other.name ? -1 : 1))
    const { data } = await nameless.budgets.list({}, { sort: 'agentName', perPage: 100 })
    expect(data.map(({ agentId }) => agentId)).toEqual(expected.map(({ id }) => id))
  })
})
