import { randomInt } from 'node:crypto'
import { regressions } from './regressions.ts'
import { searchSeeds, seedsFrom } from './search-seeds.ts'

const SEEDS_DEFAULT = 2_000
/** Seeds are 32-bit numbers. */
const BASE_END = 2 ** 31

/**
 * Lives the regression seeds and so many fresh worlds, from a base that is printed and can be given again. Resolves to whether
 * all were sound.
 */
export async function simulateSeeds(options: {
  readonly seeds?: number | undefined
  readonly base?: number | undefined
}): Promise<boolean> {
  const { seeds = SEEDS_DEFAULT, base = randomInt(BASE_END) } = options
  const started = performance.now()
  process.stdout.write(`${seeds} fresh worlds from --base ${base}, ${regressions.length} regressions\n`)
  for (const { seed, note } of regressions) {
    const { failed } = await searchSeeds({ seeds: [seed] })
    if (failed !== undefined) return tell(seed, `${note}\n${failed.fault}`)
  }
  const { sound, failed } = await searchSeeds({ seeds: seedsFrom(base, seeds) })
  if (failed !== undefined) return tell(failed.seed, failed.fault)
  process.stdout.write(`${sound} worlds, all sound, in ${((performance.now() - started) / 1_000).toFixed(1)} s\n`)
  return true
}

function tell(seed: number, fault: string): false {
  process.stdout.write(`seed ${seed} failed; see it with: pnpm simulate --seed ${seed}\n${fault}\n`)
  return false
}
