/** What does it cost to have the server: until it answers, in memory, and one call while it has time. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { residentMiB, type StartedProcess } from '@iron/test-kit'
import { BATCH, batches, REPORT, reports, REPORTS_OF_BATCH } from '../http/scripts.ts'
import { provision, type Subject, withBareExpress, withFolder, withIron } from '../http/subject.ts'
import { load } from '../load.ts'
import { assert } from '../micro.ts'
import type { Figure, Figures, Question, Target } from '../question.ts'
import { secrets, startServer } from '../server.ts'

const BARE = 'bare Express 5'
const CONNECTIONS = 50
const SECONDS = Number(process.env['IRON_TEST_BENCH_SECONDS'] ?? 3)
const less = (title: string, unit: string, ...targets: Target[]): Figure => ({ title, unit, better: 'less', targets })

/** Fails unless the server answers with 200. */
async function assertAnswers(url: string, init: RequestInit = {}): Promise<void> {
  // eslint-disable-next-line no-restricted-globals -- the bench is a client of the server it started
  assert.equal((await fetch(url, init)).status, 200)
}

/** From the start of the process to its first answer with 200; on an empty database, or one that was migrated before. */
async function startIron(isEmpty: boolean): Promise<Figures> {
  return withFolder(async (folder) => {
    const file = path.join(folder, 'bench.db')
    const env = secrets()
    const start = async (): Promise<Figures> => {
      const began = performance.now()
      const { address, process } = await startServer(file, env)
      await assertAnswers(`${address}/health`)
      const ms = performance.now() - began
      await process.stop()
      return { ms }
    }
    const first = await start()
    return isEmpty ? first : start()
  })
}

async function startBare(): Promise<Figures> {
  const began = performance.now()
  return withBareExpress(async ({ address }) => {
    const headers = { 'Content-Type': 'application/json' }
    await assertAnswers(`${address}/health`, { method: 'POST', headers, body: '{}' })
    return { ms: performance.now() - began }
  })
}

/** How long a server is left alone before it counts as idle, in ms: longer than threads that hash passwords wait for work. */
const IDLE_MS = 12_000

async function idle({ process }: Pick<Subject, 'process'>): Promise<Figures> {
  await sleep(IDLE_MS)
  return { mb: residentMiB(process.pid) }
}

/** A server that nobody has asked anything. */
async function idleIron(): Promise<Figures> {
  return withFolder(async (folder) => {
    const { process } = await startServer(path.join(folder, 'bench.db'))
    try {
      return await idle({ process })
    } finally {
      await process.stop()
    }
  })
}

/** Reports after which memory is looked at first and last, and between two looks. */
const WARM_REPORTS = 250_000
const REPORTS = 1_000_000
const LOOK_EVERY = 50_000
const MIB = 1_024 * 1_024

interface Look {
  readonly sent: number
  readonly residentMiB: number
  /** Objects in use, garbage left out. */
  readonly heapMiB: number
}

async function growth({ address, process, runtimes }: Subject): Promise<Figures> {
  const options = { connections: CONNECTIONS, measured: BATCH, script: batches(runtimes), seconds: 1 }
  const looks: Look[] = []
  let sent = 0
  while (sent < REPORTS) {
    const { calls, failures } = await load(address, options)
    assert.equal(failures, 0)
    sent += calls * REPORTS_OF_BATCH
    if (sent >= WARM_REPORTS + looks.length * LOOK_EVERY) looks.push(await look(process, sent, looks.length + 1))
  }
  await sleep(IDLE_MS)
  return {
    mb: residentMiB(process.pid),
    grown: grownBy(looks, (each) => each.residentMiB),
    heap: grownBy(looks, (each) => each.heapMiB),
  }
}

/** The `number`th look at a process. */
async function look(process: StartedProcess, sent: number, number: number): Promise<Look> {
  const resident = residentMiB(process.pid)
  process.kill('SIGUSR2')
  const [, bytes] = await process.waitFor(new RegExp(`heap ${String(number)}: (\\d+)\\n`), { stream: 'stderr' })
  return { sent, residentMiB: resident, heapMiB: Number(bytes) / MIB }
}

/** What a line through all looks rises by from the first report of them to the last: two looks alone differ by their moment. */
function grownBy(looks: readonly Look[], figure: (look: Look) => number): number {
  const mean = (of: (look: Look) => number): number => looks.reduce((sum, each) => sum + of(each), 0) / looks.length
  const [sent, at] = [mean((each) => each.sent), mean(figure)]
  const slope = mean((each) => (each.sent - sent) * (figure(each) - at)) / mean((each) => (each.sent - sent) ** 2)
  return slope * (REPORTS - WARM_REPORTS)
}

/** Tells how much of its heap is in use, which only it can. */
async function growIron(): Promise<Figures> {
  const NODE_OPTIONS = `--expose-gc --import=${new URL('../http/tells-heap.ts', import.meta.url).href}`
  return withFolder(async (folder) => {
    const { address, process } = await startServer(path.join(folder, 'bench.db'), { NODE_OPTIONS })
    try {
      return await growth({ address, process, runtimes: await provision(address, CONNECTIONS) })
    } finally {
      await process.stop()
    }
  })
}

/** Share of the most a server can do, at which it has time for every call. */
const CALM_LOAD = 0.2

async function calm({ address, runtimes }: Subject): Promise<Figures> {
  const options = { connections: CONNECTIONS, measured: REPORT, script: reports(runtimes), seconds: SECONDS }
  await load(address, options)
  const { perSecond } = await load(address, options)
  const { p50Ms, p99Ms, failures } = await load(address, { ...options, perSecond: perSecond * CALM_LOAD })
  assert.equal(failures, 0)
  return { p50: p50Ms, p99: p99Ms }
}

const PAGE = Buffer.alloc(4_096, 1)
const SYNCS = 2_000

/** What this disk takes to keep a page: written and synchronised, one after the other. */
async function synced(): Promise<Figures> {
  return withFolder(async (folder) => {
    const file = openSync(path.join(folder, 'pages'), 'w')
    const times: number[] = []
    for (let index = 0; index < SYNCS; index += 1) {
      const from = performance.now()
      writeSync(file, PAGE)
      fdatasyncSync(file)
      times.push(performance.now() - from)
    }
    closeSync(file)
    times.sort((one, other) => one - other)
    return { p50: times[SYNCS / 2] ?? Number.NaN, p99: times[Math.floor(SYNCS * 0.99)] ?? Number.NaN }
  })
}

const FSYNC = 'write and fdatasync'

/** What of a latency is the host's: a server that does nothing else for a call. */
function calmBare(): Promise<Figures> {
  return withFolder((folder) => withBareExpress(calm, path.join(folder, 'pages')))
}

export const questions: Readonly<Record<string, Question>> = {
  'start-existing': {
    figures: { ms: less('start to first 200, existing database', 'ms', { bound: 1_500 }) },
    contestants: [
      { role: 'ours', name: 'iron', measure: () => startIron(false) },
      { role: 'limit', name: BARE, measure: startBare },
    ],
  },
  'start-empty': {
    figures: { ms: less('start to first 200, all migrations', 'ms', { bound: 3_000 }) },
    contestants: [
      { role: 'ours', name: 'iron', measure: () => startIron(true) },
      { role: 'limit', name: BARE, measure: startBare },
    ],
  },
  'memory-idle': {
    figures: { mb: less('resident memory, idle', 'MiB', { bound: 150 }) },
    contestants: [
      { role: 'ours', name: 'iron', measure: idleIron },
      { role: 'limit', name: BARE, measure: () => withBareExpress(idle) },
    ],
  },
  'memory-growth': {
    figures: {
      mb: less('resident memory after 1M reports', 'MiB'),
      grown: less('grown from 250k reports to 1M', 'MiB', { bound: 10 }),
      heap: less('heap in use, grown from 250k reports to 1M', 'MiB', { bound: 1 }),
    },
    contestants: [{ role: 'ours', name: 'iron', measure: growIron }],
  },
  'report-calm': {
    figures: {
      p50: less('one report at 20 % load, p50', 'ms'),
      p99: less('one report at 20 % load, p99', 'ms', { against: FSYNC, times: 1 / 2 }),
    },
    contestants: [
      { role: 'ours', name: 'iron', measure: () => withIron('sqlite', CONNECTIONS, calm) },
      { role: 'limit', name: FSYNC, measure: synced },
      { role: 'rival', name: 'bare Express, synchronised', measure: calmBare },
    ],
  },
}
