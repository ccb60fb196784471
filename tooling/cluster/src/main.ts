// `pnpm cluster <name> [--short]`: what several processes on one database must hold, with the figures.
import { parseArgs } from 'node:util'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'

const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean', default: false }, sources: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const [name = ''] = positionals
const scenario: Scenario | undefined = Object.hasOwn(SCENARIOS, name) ? SCENARIOS[name] : undefined
if (scenario === undefined) {
  process.stderr.write(`usage: pnpm cluster <name> [--short]; one of ${Object.keys(SCENARIOS).join(', ')}\n`)
  process.exitCode = 1
} else {
  await scenario({
    program: values.sources ? 'sources' : 'built',
    size: values.short ? 'short' : 'full',
    say: (text) => void process.stdout.write(`${text}\n`),
  })
}
