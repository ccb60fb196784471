// `pnpm bench [name…]`: all questions in one table, the questions of a file, one question, or a bench of its own.
import { answersTo } from './answer.ts'
import { namesOf, questionOf } from './questions.ts'
import { type Row, rowsOf, tableOf } from './table.ts'

/** Benches that are no question with contestants. */
const BENCHES: Readonly<Record<string, () => Promise<unknown>>> = {
  main: () => import('./main-job.ts'),
  analytics: () => import('./analytics/bench-analytics.ts'),
  lists: () => import('./lists/bench-lists.ts'),
  sockets: () => import('./sockets/bench-sockets.ts'),
  verify: () => import('./verify/bench-verify.ts'),
}
const ROUNDS = Number(process.env['IRON_TEST_BENCH_ROUNDS'] ?? 3)

const [name, ...more] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const bench = name !== undefined && Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
if (bench !== undefined) await bench()
else {
  const names = name === undefined ? namesOf(undefined) : [name, ...more].flatMap((each) => namesOf(each))
  if (names.length === 0) {
    const known = [...Object.keys(BENCHES), ...namesOf(undefined)].join(', ')
    process.stderr.write(`there is no bench ${String(name)}: one of ${known}\n`)
    process.exitCode = 1
  }
  const rows: Row[] = []
  for (const question of names) rows.push(...rowsOf(question, questionOf(question), await answersTo(question, ROUNDS)))
  if (rows.length > 0) process.stdout.write(`Node ${process.version}, median of ${ROUNDS} rounds\n\n${tableOf(rows)}\n`)
}
