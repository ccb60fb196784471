import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { simulate } from './simulator.ts'

/** How many worlds; tooling/simulator has the thorough search on SQLite, these show that PostgreSQL keeps the same books. */
const SEEDS = Number(process.env.IRON_TEST_LEASE_SEEDS ?? '20')
const FIRST_SEED = Number(process.env.IRON_TEST_FIRST_SEED ?? '1')
const STEPS = 40
/** PostgreSQL takes its time for every statement; a few worlds show that it answers alike. */
const POSTGRES_SEEDS = 3

/** Seeds that once failed: they run for ever. */
const REGRESSIONS: readonly number[] = []

async function run(dialect: 'sqlite' | 'postgres', seed: number): Promise<unknown> {
  try {
    return await simulate({ dialect, seed, steps: STEPS })
  } catch (error) {
    throw new Error(`seed ${seed} on ${dialect}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

// The worlds' clocks jump on purpose.
beforeAll(() => void jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined))
afterAll(() => void jest.restoreAllMocks())

describe.each(await enginesForTests())('simulated worlds on %s', (dialect) => {
  const count = dialect === 'sqlite' ? SEEDS : Math.min(SEEDS, POSTGRES_SEEDS)
  test(
    `I1 to I16, E1 to E3 hold after every commit, whatever the network, the clock and the admins do (${count} seeds; CON-06, CON-11, MON-20, MON-22)`,
    async () => {
      const seeds = [...REGRESSIONS, ...Array.from({ length: count }, (_, index) => FIRST_SEED + index)]
      for (const seed of seeds) await run(dialect, seed)
      expect(seeds.length).toBeGreaterThanOrEqual(count)
    },
    120_000 + SEEDS * 1_000,
  )
})

const withPostgres = (await enginesForTests()).includes('postgres') ? describe : describe.skip
withPostgres.each([1, 2])('the world of seed %d', (seed) => {
  test('CON-26 leaves the same ledger, leases, events and audit entries on SQLite and PostgreSQL', async () => {
    expect(await run('postgres', seed)).toEqual(await run('sqlite', seed))
  }, 120_000)
})
