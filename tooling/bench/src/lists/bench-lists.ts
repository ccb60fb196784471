// `pnpm bench lists [--plans] [part of a name]`: what the first and the last page of every list cost among 100,000 agents with
// 1,000,000 ledger rows, against the same page among 1,000 agents, on both engines.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type IronDatabase, openDatabase } from '@iron/database'
import { postgresForTests } from '@iron/test-kit'
import { createDatabase } from '../postgres.ts'
import { fillWorld } from './fill-world.ts'
import { listsOf } from './lists.ts'
import { answersOf, plansOf, timeAnswers } from './time-list.ts'

const FEW = 1_000
const MANY = Number(process.env['IRON_TEST_BENCH_AGENTS'] ?? 100_000)
/** How much longer a page may take among many agents. */
const RATIO_MAX = 3

const [, ...given] = process.argv.slice(2)
const withPlans = given.includes('--plans')
const wanted = given.filter((word) => word !== '--plans').join(' ')

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const cleanups: (() => Promise<void> | void)[] = []

async function openWorld(place: string, agents: number): Promise<IronDatabase> {
  const db = await openDatabase(place)
  cleanups.push(() => db.close())
  await fillWorld(db, agents)
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
    const answersOfMany = await answersOf(other)
    for (const [part, answer] of (await answersOf(list)).entries()) {
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

try {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-bench-lists-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string): string => path.join(folder, `${name}.db`)
  const engines = process.env['IRON_TEST_BENCH_ENGINES'] ?? 'sqlite postgres'
  if (engines.includes('sqlite'))
    await compare('SQLite', await openWorld(file('few'), FEW), await openWorld(file('many'), MANY))
  const postgres = engines.includes('postgres') ? await postgresForTests() : undefined
  if (postgres === undefined) say('PostgreSQL is not here: its rows are missing')
  else {
    const opened: IronDatabase[] = []
    for (const agents of [FEW, MANY]) {
      const database = await createDatabase(postgres.url)
      cleanups.push(database.drop)
      const db = await openWorld(database.url, agents)
      opened.push(db)
      await db.write((tx) => tx.execute({ sql: 'ANALYZE', parameters: [] }), { timeoutMs: 60_000 })
    }
    const [few, many] = opened
    if (few !== undefined && many !== undefined) await compare('PostgreSQL', few, many)
  }
} finally {
  for (const cleanup of cleanups.reverse()) await cleanup()
}
