// `pnpm bench [name…]`: all questions in one table, the questions of a file, one question, or a bench of its own.
import { answersTo } from './answer.ts'
import { namesOf, questionOf } from './questions.ts'
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
const ROUNDS = Number(process.env['IRON_TEST_BENCH_ROUNDS'] ?? 3)

async function askAll(names: readonly string[]): Promise<void> {
  const rows: Row[] = []
  for (const name of names) {
    const answered = rowsOf(questionOf(name), await answersTo(name, ROUNDS))
    for (const { title, ours, expected } of answered) process.stderr.write(`${title}: ${ours}, ${expected}\n`)
    rows.push(...answered)
  }
  const settings = `Node ${process.version}, median of ${ROUNDS} rounds; servers: rate limits off, 1000 leases an agent`
  process.stdout.write(`${settings}\n\n${tableOf(rows)}\n`)
}

const [name, ...more] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const bench = name !== undefined && Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
const names = name === undefined ? namesOf(undefined) : [name, ...more].flatMap((each) => namesOf(each))
if (bench !== undefined) await bench()
else if (names.length > 0) await askAll(names)
else {
  const known = [...Object.keys(BENCHES), ...namesOf(undefined)].join(', ')
  process.stderr.write(`there is no bench ${String(name)}: one of ${known}\n`)
  process.exitCode = 1
}
