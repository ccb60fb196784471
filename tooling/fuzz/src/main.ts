// `pnpm fuzz [--requests N] [--seed S] [--seconds T] [--first I]`: hostile requests for every route, and what they did.
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    seconds: { type: 'string', default: '86400' },
    first: { type: 'string', default: '0' },
    verbose: { type: 'boolean', default: false },
    sources: { type: 'boolean', default: false },
  },
})
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const whole = (name: 'requests' | 'seed' | 'seconds' | 'first'): number => {
  const number = Number(values[name])
  if (Number.isSafeInteger(number) && number >= 0) return number
  process.stderr.write(`--${name} must be a whole number, 0 or more\n`)
  process.exit(1)
}
const report = await fuzz({
  program: values.sources ? 'sources' : 'built',
  seed: whole('seed'),
  requests: whole('requests'),
  seconds: whole('seconds'),
  first: whole('first'),
  say,
})
const { sent, failures, statuses, operations, succeeded, requestsPerSecond, slowestMs, residentMiB } = report
say(
  `seed ${values.seed}: ${sent} requests, ${requestsPerSecond} a second, the slowest took ${slowestMs} ms (${report.slowest})`,
)
say(
  `answers: ${Object.entries(statuses)
    .map(([status, count]) => `${status} × ${count}`)
    .join(', ')}`,
)
say(`${succeeded.length} of ${operations} operations succeeded at least once`)
if (values.verbose) say(`never succeeded: ${report.neverSucceeded.join(', ')}`)
say(`memory of the server: ${residentMiB.before} MiB before, ${residentMiB.highest} MiB at most`)
say(failures.length === 0 ? 'nothing found' : `${failures.length} failures`)
if (failures.length > 0) say(failures.at(-1) ?? '')
process.exitCode = failures.length === 0 ? 0 : 1
