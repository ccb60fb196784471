import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import path from 'node:path'
import { defects } from '../../src/defects/defects.ts'
import { patched } from '../../src/defects/plant.ts'
import { regressions } from '../../src/regressions.ts'
import { searchSeeds, seedsFrom } from '../../src/search-seeds.ts'

/** Fresh worlds in every run (rulings R13); `IRON_TEST_SEEDS=10000` for more. */
const SEEDS = Number(process.env.IRON_TEST_SEEDS ?? '2000')
const BASE_END = 2 ** 31
const PACKAGE = path.resolve(import.meta.dirname, '..', '..')

describe('budget protocol 16, simulated', () => {
  test(
    `${SEEDS} fresh worlds are as the model says after every step: I1 to I20, I23, I24, E1 to E4`,
    async () => {
      const base = randomInt(BASE_END)
      const { sound, failed } = await searchSeeds({ seeds: seedsFrom(base, SEEDS) })
      // A failure names the seed that replays it.
      expect(failed).toBeUndefined()
      expect(sound).toBe(SEEDS)
    },
    60_000 + SEEDS * 500,
  )

  test('seeds that once failed do not fail again, nor do those that find a planted defect without it', async () => {
    const seeds = new Set([...regressions, ...defects].map(({ seed }) => seed))
    const { sound, failed } = await searchSeeds({ seeds })
    expect(failed).toBeUndefined()
    expect(sound).toBe(seeds.size)
  }, 300_000)

  test('one seed is one world: its trace is the same twice', () => {
    const trace = (): string => {
      const run = spawnSync(
        process.execPath,
        ['--conditions=@iron/source', '--disable-warning=IRON_CLOCK_STEPPED_BACK', 'src/main.ts', '--seed', '7'],
        { cwd: PACKAGE, encoding: 'utf8' },
      )
      expect(run.status).toBe(0)
      return run.stdout
    }
    const first = trace()
    expect(first).toMatch(/seed 7 is sound\n$/)
    expect(first.split('\n').length).toBeGreaterThan(30)
    expect(trace()).toBe(first)
  }, 60_000)
})

describe('a planted defect', () => {
  test.each(defects)(
    'is found: $about',
    async ({ name, seed }) => {
      const { failed } = await searchSeeds({ seeds: [seed], defect: name })
      expect(failed?.seed).toBe(seed)
    },
    60_000,
  )

  test('has its place in the code, exactly once', () => {
    for (const patch of defects.flatMap(({ patches }) => patches)) {
      const source = readFileSync(path.resolve(PACKAGE, '..', '..', patch.file), 'utf8')
      expect(patched(source, patch)).not.toBe(source)
    }
    const patch = { file: 'a.ts', find: 'x', replace: 'y' }
    expect(() => patched('x x', patch)).toThrow('exactly once')
    expect(() => patched('z', patch)).toThrow('exactly once')
  })
})
