import { defects } from './defects/defects.ts'
import { searchSeeds, seedsFrom } from './search-seeds.ts'

/** Worlds within which every defect must be found (budget protocol 16). */
const SEEDS_MAX = 10_000

/** Plants every defect by itself and searches for the first world that shows it. Resolves to whether all were found. */
export async function findDefects(options: {
  readonly seeds?: number | undefined
  readonly only?: string | undefined
}): Promise<boolean> {
  const chosen = defects.filter(({ name }) => options.only === undefined || name === options.only)
  if (chosen.length === 0) throw new Error(`--defect must be one of ${defects.map(({ name }) => name).join(', ')}`)
  let missed = 0
  for (const { name, about } of chosen) {
    const { sound, failed } = await searchSeeds({ seeds: seedsFrom(1, options.seeds ?? SEEDS_MAX), defect: name })
    if (failed === undefined) missed += 1
    const [fault = ''] = failed?.fault.split('\n') ?? []
    const result =
      failed === undefined
        ? `NOT FOUND in ${sound} worlds`
        : `seed ${failed.seed}, after ${sound} sound worlds: ${fault}`
    process.stdout.write(`${name} (${about}): ${result}\n`)
  }
  process.stdout.write(`${chosen.length - missed} of ${chosen.length} defects found\n`)
  return missed === 0
}
