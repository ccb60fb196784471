// `pnpm simulate` and `pnpm simulate:mutants`.
import { parseArgs } from 'node:util'
import { findDefects } from './find-defects.ts'
import { replay } from './replay.ts'
import { simulateSeeds } from './simulate-seeds.ts'

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  options: {
    seeds: { type: 'string' },
    base: { type: 'string' },
    seed: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    defect: { type: 'string' },
  },
})

const seed = wholeNumber('seed', values.seed)
const seeds = wholeNumber('seeds', values.seeds)
const base = wholeNumber('base', values.base)
const isSound = values.mutants
  ? await findDefects({ seeds, only: values.defect })
  : seed !== undefined
    ? await replay(seed)
    : await simulateSeeds({ seeds, base })
process.exitCode = isSound ? 0 : 1

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} must be a whole number of at most 10 digits`)
  return Number(text)
}
