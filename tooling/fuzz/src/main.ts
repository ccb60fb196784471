// `pnpm fuzz [--requests N] [--seed S] [--seconds T] [--first I]`: hostile requests for every route, and what they did.
// `pnpm fuzz parsers [--seconds T] [--seed S] [--keep]`: hostile texts for everything that reads text.
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'
import { fuzzAllParsers } from './parsers/main.ts'

/** How long parsers are tried unless told, in seconds. */
const PARSERS_SECONDS = 60

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: 'string', default: '200000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    seconds: { type: 'string' },
    first: { type: 'string', default: '0' },
    verbose: { type: 'boolean', default: false },
    sources: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const whole = (name: 'requests' | 'seed' | 'seconds' | 'first', otherwise?: number): number => {
  const number = Number(values[name] ?? otherwise)
  if (Number.isSafeInteger(number) && number >= 0) return number
  process.stderr.write(`--${name} must be a whole number, 0 or more\n`)
  process.exit(1)
}
if (positionals[0] === 'parsers') {
  const seconds = whole('seconds', PARSERS_SECONDS)
  process.exit((await fuzzAllParsers({ seed: whole('seed'), seconds, keep: values.keep, say })) ? 0 : 1)
}
const report = await fuzz({
  program: values.sources ? 'sources' : 'built',
  seed: whole('seed'),
  requests: whole('requests'),
  seconds: whole('seconds', 86_400),
  first: whole('first'),
  say,
})
const { sent, failures, statuses, operations, succeeded, requestsPerSecond, slowest, residentMiB } = report
say(`seed ${values.seed}: ${sent} requests, ${requestsPerSecond} a second`)
say(`slowest: ${slowest.map(({ ms, what, index }) => `${ms} ms (${index}, ${what})`).join(', ')}`)
say(
  `answers: ${Object.entries(statuses)
    .map(([status, count]) => `${status} × ${count}`)
    .join(', ')}`,
)
say(`${succeeded.length} of ${operations} operations succeeded at least once`)
if (values.verbose) say(`never succeeded: ${report.neverSucceeded.join(', ')}`)
say(`memory of the server: ${residentMiB.before} MiB before, then at most ${residentMiB.highest.join(', ')} MiB`)
say(failures.length === 0 ? 'nothing found' : `${failures.length} failures`)
if (failures.length > 0) say(failures.at(-1) ?? '')
process.exitCode = failures.length === 0 ? 0 : 1
