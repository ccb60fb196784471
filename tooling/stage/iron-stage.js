#!/usr/bin/env node
// Plays an outage around an agent: `iron-stage <program> [argument…]`.
import { playOutage } from './src/index.ts'

const [program, ...args] = process.argv.slice(2)
if (program === undefined) {
  process.stderr.write('usage: iron-stage <program> [argument…]\n')
  process.exit(2)
}
const outcome = await playOutage(program, args, {
  cwd: process.cwd(),
  say: (line) => void process.stdout.write(`${line}\n`),
})
process.exit(outcome.code ?? 1)
