// `pnpm bench lists [--plans] [--fill] [part of a name]`: what the first and the last page of every list cost among 100,000 agents
// with 1,000,000 ledger rows, against a page of as many entries among 1,000 agents, on both engines. `--fill` only makes the worlds: those in
// the folder `IRON_TEST_BENCH_FOLDER`, and the databases beside it, are kept and used again.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type IronDatabase, openDatabase } from '@iron/database'
import { postgresForTests } from '@iron/test-kit'
import { createDatabase, databaseNamed } from '../postgres.ts'
import { fillWorld, isFilled } from './fill-world.ts'
import { listsOf } from './lists.ts'
import { answersOf, entriesOfPage, plansOf, timeAnswers } from './time-list.ts'

const FEW = 1_000
const MANY = Number(process.env['IRON_TEST_BENCH_AGENTS'] ?? 100_000)
/** How much longer a page may take among many agents. */
const RATIO_MAX = 3

const [, ...given] = process.argv.slice(2)
const withPlans = given.includes('--plans')
const onlyFill = given.includes('--fill')
const wanted = given.filter((word) => !word.startsWith('--')).join(' ')
const keptIn = process.env['IRON_TEST_BENCH_FOLDER']

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const cleanups: (() => Promise<void> | void)[] = []

async function openWorld(place: string, agents: number): Promise<IronDatabase> {
  const db = await openDatabase(place)
  cleanups.push(() => db.close())
  if (!(await isFilled(db))) await fillWorld(db, agents)
  return db
}

async function compare(engine: string, few: IronDatabase, many: IronDatabase): Promise<void> {
  say(`\n${engine}: milliseconds among ${FEW} and among ${MANY} agents, and their ratio; median of up to 15`)
  let within = 0
  const beyond: string[] = []
  const others = listsOf(many)
  for (const [index, list] of listsOf(few).entries()) {
    if (!list.name.includes(wanted)) continue
    const other = others[index]
    if (other === undefined) continue
    const entries = await entriesOfPage(list)
    const answersOfMany = await answersOf(other, entries)
    for (const [part, answer] of (await answersOf(list, entries)).entries()) {
      const sameOfMany = answersOfMany[part]
      if (sameOfMany === undefined) continue
      const [fewMs, manyMs] = await timeAnswers(answer, sameOfMany)
      const ratio = manyMs / fewMs
      const figures = [fewMs, manyMs].map((ms) => ms.toFixed(2).padStart(9))
      const mark = ratio > RATIO_MAX ? '  <<<' : ''
      say(`${answer.name.padEnd(58)} ${figures.join(' ')} ${ratio.toFixed(1).padStart(7)}${mark}`)
      if (ratio > RATIO_MAX) beyond.push(answer.name)
      else within += 1
      if (withPlans) for (const line of await plansOf(many, sameOfMany)) say(`  ${line}`)
    }
  }
  say(`${within} within ${RATIO_MAX} times, ${beyond.length} beyond`)
}

/** A folder for SQLite files: the kept one, or one that is removed at the end. */
function openFolder(): string {
  if (keptIn !== undefined) {
    mkdirSync(keptIn, { recursive: true })
    return keptIn
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-bench-lists-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The URL of a database on PostgreSQL: the kept one, or one that is dropped at the end. */
async function openPostgres(admin: string, agents: number): Promise<string> {
  if (keptIn !== undefined) return databaseNamed(admin, `iron_bench_lists_${agents}`)
  const database = await createDatabase(admin)
  cleanups.push(database.drop)
  return database.url
}

try {
  const engines = process.env['IRON_TEST_BENCH_ENGINES'] ?? 'sqlite postgres'
  if (engines.includes('sqlite')) {
    const folder = openFolder()
    const [few, many] = [
      await openWorld(path.join(folder, `${FEW}.db`), FEW),
      await openWorld(path.join(folder, `${MANY}.db`), MANY),
    ]
    if (!onlyFill) await compare('SQLite', few, many)
  }
  const postgres = engines.includes('postgres') ? await postgresForTests() : undefined
  if (postgres === undefined) say('PostgreSQL is not here: its rows are missing')
  else {
    const [few, many] = [
      await openWorld(await openPostgres(postgres.url, FEW), FEW),
      await openWorld(await openPostgres(postgres.url, MANY), MANY),
    ]
    if (!onlyFill) await compare('PostgreSQL', few, many)
  }
} finally {
  for (const cleanup of cleanups.reverse()) await cleanup()
}
