// `pnpm bench analytics [part of a path]`: how long every question about calls takes over HTTP among five million of them, and
// what reports take beside such questions against reports alone, in turn. `IRON_TEST_BENCH_FILE=<file>` keeps the database
// there: it is made by the first run, and the next ones measure on it again.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { call } from '../server.ts'
import { load, type Measurement, type Script } from '../load.ts'
import { type Question, questionsOf } from './questions.ts'
import { makeWorld, serve, type World } from './world.ts'

const CALLS = Number(process.env['IRON_TEST_BENCH_CALLS'] ?? 5_000_000)
const AGENTS = Number(process.env['IRON_TEST_BENCH_AGENTS'] ?? 200)
/** Agents of the owner who asks. */
const OWNED = 20
/** How often each question is asked. */
const TIMES = Number(process.env['IRON_TEST_BENCH_TIMES'] ?? 20)
const CONNECTIONS = 20
const SECONDS = Number(process.env['IRON_TEST_BENCH_SECONDS'] ?? 5)
const ROUNDS = Number(process.env['IRON_TEST_BENCH_ROUNDS'] ?? 5)
/** How long a question may take at p95, in milliseconds, and how much longer a report may take beside them. */
const P95_MAX_MS = 300
const RATIO_MAX = 2

const wanted = process.argv.slice(3).join(' ')
const say = (text: string): void => void process.stdout.write(`${text}\n`)

type Served = Awaited<ReturnType<typeof serve>>

async function openWorld(folder: string): Promise<World> {
  // A database that stays: the next run measures on it again.
  const kept = process.env['IRON_TEST_BENCH_FILE']
  const place = kept ?? path.join(folder, 'bench.db')
  const card = `${place}.bench.json`
  if (kept !== undefined && existsSync(card)) return JSON.parse(readFileSync(card, 'utf8')) as World
  const { filled, ...world } = await makeWorld(place, { agents: AGENTS, calls: CALLS, ofOwner: OWNED })
  say(
    `${CALLS} calls written in ${filled.callsSeconds.toFixed(0)} s, ${filled.hours} hours rolled up and summed in ` +
      `${filled.rollUpSeconds.toFixed(0)} s, differences to a recomputation over the last day: ${filled.differences}`,
  )
  if (filled.differences > 0) process.exitCode = 1
  if (kept !== undefined) writeFileSync(card, JSON.stringify(world))
  return world
}

async function ask({ address, admin, owner }: Served, { path: route, by }: Question): Promise<number> {
  const began = performance.now()
  // eslint-disable-next-line no-restricted-globals -- the bench is a client of the server it started
  const response = await fetch(`${address}/api/v1${route}`, { headers: by === 'owner' ? owner : admin })
  const body = await response.text()
  if (!response.ok) throw new Error(`${route}: ${response.status} ${body}`)
  return performance.now() - began
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

async function timeQuestions(served: Served, questions: readonly Question[]): Promise<void> {
  say(`\nmilliseconds over HTTP, ${TIMES} times each: p50, p95`)
  let beyond = 0
  for (const question of questions) {
    await ask(served, question)
    const times: number[] = []
    for (let time = 0; time < TIMES; time += 1) times.push(await ask(served, question))
    times.sort((a, b) => a - b)
    const p95Ms = percentile(times, 0.95)
    const mark = p95Ms > P95_MAX_MS ? `  <<< ${question.readsCalls ? 'reads single calls' : ''}` : ''
    if (mark !== '') beyond += 1
    const name = `${question.by.padEnd(6)} ${question.path.replace(/&?agent_id=[^&]*|agent_[0-9a-f-]{36}/, '')}`
    say(`${name.padEnd(100)} ${percentile(times, 0.5).toFixed(1).padStart(8)} ${p95Ms.toFixed(1).padStart(8)}${mark}`)
  }
  say(`${questions.length - beyond} of ${questions.length} within ${P95_MAX_MS} ms at p95`)
}

async function reporters({ address }: Served, { agents }: World): Promise<() => Script> {
  const runtimes: { headers: Record<string, string>; lease: string }[] = []
  for (const { token } of agents.slice(0, CONNECTIONS)) {
    const headers = { 'X-IC-Token': token }
    const lease = await call(address, '/budget/handshake', { requested_usd: 100 }, headers)
    runtimes.push({ headers, lease: String(lease['lease_id']) })
  }
  let connection = 0
  let request = 0
  const run = Date.now()
  return () => {
    const runtime = runtimes[connection % runtimes.length]
    connection += 1
    return () => {
      request += 1
      const report = {
        lease_id: runtime?.lease,
        request_id: `report-${run}-${request}`,
        model: 'gpt-4o',
        cost_usd: 0.000123,
      }
      const body = JSON.stringify({ ...report, input_tokens: 1_200, output_tokens: 310 })
      return { path: '/api/v1/budget/report', body, headers: runtime?.headers ?? {} }
    }
  }
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

async function compareReports(served: Served, world: World, questions: readonly Question[]): Promise<void> {
  const script = await reporters(served, world)
  const measure = (): Promise<Measurement> =>
    load(served.address, { connections: CONNECTIONS, seconds: SECONDS, measured: '/api/v1/budget/report', script })
  await measure()
  const alone: Measurement[] = []
  const beside: Measurement[] = []
  let asked = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    alone.push(await measure())
    const over = new AbortController()
    const asking = (async () => {
      while (!over.signal.aborted) await ask(served, questions[asked++ % questions.length] as Question)
    })()
    beside.push(await measure())
    over.abort()
    await asking
  }
  say(
    `\nreports, ${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s each, in turn; ${asked} questions beside`,
  )
  const [aloneMs, besideMs] = [alone, beside].map((rounds, index) => {
    const p99Ms = median(rounds.map((round) => round.p99Ms))
    const perSecond = median(rounds.map((round) => round.perSecond))
    const p50Ms = median(rounds.map((round) => round.p50Ms))
    const failures = rounds.reduce((sum, round) => sum + round.failures, 0)
    if (failures > 0) process.exitCode = 1
    const each = rounds.map((round) => round.p99Ms.toFixed(1)).join(' ')
    say(
      `${index === 0 ? 'alone ' : 'beside'}  ${perSecond.toFixed(0)}/s  p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms (${each})` +
        (failures > 0 ? `  ${failures} FAILED` : ''),
    )
    return p99Ms
  }) as [number, number]
  const ratio = besideMs / aloneMs
  say(`p99 beside questions is ${ratio.toFixed(2)} times p99 alone${ratio > RATIO_MAX ? '  <<<' : ''}`)
}

const folder = mkdtempSync(path.join(tmpdir(), 'iron-bench-analytics-'))
try {
  const world = await openWorld(folder)
  const served = await serve(world)
  try {
    say(
      `rate limits off, ${world.agents.length} agents, ${OWNED} of the owner who asks, SQLite, Node ${process.version}`,
    )
    const all = questionsOf(world.agents[0]?.id ?? '', Date.now())
    const questions = all.filter(({ path: route }) => route.includes(wanted))
    await timeQuestions(served, questions)
    await compareReports(
      served,
      world,
      questions.filter(({ readsCalls }) => !readsCalls),
    )
  } finally {
    await served.process.stop()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
