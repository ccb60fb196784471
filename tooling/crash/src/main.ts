// `pnpm crash <part> [--short] [--engine sqlite|postgres]`: what an installation survives, with the figures.
import { parseArgs } from 'node:util'
import { presentEngines } from './engines.ts'
import { PARTS } from './parts.ts'
import type { Setting } from './setting.ts'

const { values, positionals } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    engine: { type: 'string', default: 'sqlite,postgres' },
    sources: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const [name = ''] = positionals
const chosen = name === 'all' ? Object.values(PARTS) : Object.hasOwn(PARTS, name) ? [PARTS[name]] : []
if (chosen.length === 0) {
  process.stderr.write(`usage: pnpm crash <part> [--short]; one of ${[...Object.keys(PARTS), 'all'].join(', ')}\n`)
  process.exitCode = 1
}
const setting: Setting = {
  program: values.sources ? 'sources' : 'built',
  size: values.short ? 'short' : 'full',
  engines: await presentEngines(values.engine.split(',')),
  say: (text) => void process.stdout.write(`${text}\n`),
}
// Server processes do not keep this one alive.
const alive = setInterval(() => undefined, 60_000)
try {
  for (const part of chosen) await part?.(setting)
} finally {
  clearInterval(alive)
}
