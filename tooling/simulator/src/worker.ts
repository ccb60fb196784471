/**
 * A process that lives worlds for {@link searchSeeds}: it is handed seeds, some at a time, and tells the
 * first that fails of these. With
 * the name of a defect it plants that first, so that every module it loads afterwards has it.
 */
import { defects } from './defects/defects.ts'
import { plant } from './defects/plant.ts'

/** What became of some seeds: how many worlds were sound, and the first that was not. */
export interface Lived {
  readonly sound: number
  readonly failed?: { readonly seed: number; readonly fault: string }
}

const name = process.argv[2]
if (name !== undefined) plant(defects.filter((defect) => defect.name === name).flatMap(({ patches }) => patches))

const { simulate } = await import('./simulation.ts')

process.on('message', (seeds: readonly number[]) => void live(seeds).then((lived) => process.send?.(lived)))
process.on('disconnect', () => process.exit())

async function live(seeds: readonly number[]): Promise<Lived> {
  for (const [sound, seed] of seeds.entries()) {
    try {
      await simulate(seed)
    } catch (error) {
      return { sound, failed: { seed, fault: error instanceof Error ? error.message : String(error) } }
    }
  }
  return { sound: seeds.length }
}
