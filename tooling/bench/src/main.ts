// `pnpm bench [name…]`: all questions in one table, the questions of a file, one question, or a bench of its own. `--record` keeps the
// ratios; `--check` (`pnpm bench:check`) asks briefly and fails when one is worse than it was recorded.
import { answersTo } from './answer.ts'
import { namesOf, questionOf } from './questions.ts'
import { isComparable, record, worsened } from './record.ts'
import { type Row, rowsOf, tableOf } from './table.ts'

/** Benches that are no question with contestants. */
const BENCHES: Readonly<Record<string, () => Promise<unknown>>> = {
  analytics: () => import('./analytics/bench-analytics.ts'),
  growth: () => import('./growth/bench-growth.ts'),
  flood: () => import('./sockets/bench-flood.ts'),
  lists: () => import('./lists/bench-lists.ts'),
  sockets: () => import('./sockets/bench-sockets.ts'),
  verify: () => import('./verify/bench-verify.ts'),
}
/** What a check takes unless told: enough to see a fifth. */
const BRIEFLY = { IRON_TEST_BENCH_MICRO_MS: '300', IRON_TEST_BENCH_SECONDS: '2' }

async function askAll(names: readonly string[]): Promise<void> {
  const rounds = Number(process.env['IRON_TEST_BENCH_ROUNDS'] ?? 3)
  const rows: Row[] = []
  for (const name of names) {
    const answers = await answersTo(name, rounds)
    const answered = rowsOf(questionOf(name), answers)
    for (const { title, ours, expected } of answered) process.stderr.write(`${title}: ${ours}, ${expected}\n`)
    rows.push(...answered)
    if (process.argv.includes('--record')) record(name, questionOf(name), answers)
  }
  const settings = `Node ${process.version}, median of ${rounds} rounds; servers: rate limits off, 1000 leases an agent`
  process.stdout.write(`${settings}\n\n${tableOf(rows)}\n`)
}

async function check(names: readonly string[]): Promise<void> {
  Object.assign(process.env, { ...BRIEFLY, ...process.env })
  let worse = 0
  for (const name of names.filter((each) => isComparable(questionOf(each)))) {
    let found = worsened(name, questionOf(name), await answersTo(name, 1))
    // What looks worse may be the weather: it is asked once more.
    if (found.length > 0) found = worsened(name, questionOf(name), await answersTo(name, 3))
    process.stdout.write(`${name}: ${found.length === 0 ? 'as recorded' : found.join('; ')}\n`)
    worse += found.length
  }
  if (worse > 0) process.exitCode = 1
}

const [name, ...more] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const bench = name !== undefined && Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
const names = name === undefined ? namesOf(undefined) : [name, ...more].flatMap((each) => namesOf(each))
if (bench !== undefined) await bench()
else if (names.length === 0) {
  const known = [...Object.keys(BENCHES), ...namesOf(undefined)].join(', ')
  process.stderr.write(`there is no bench ${String(name)}: one of ${known}\n`)
  process.exitCode = 1
} else if (process.argv.includes('--check')) await check(names)
else await askAll(names)
