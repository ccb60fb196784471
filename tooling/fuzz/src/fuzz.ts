/**
 * Starts a server, asks it for its own description, and sends it requests made of that: for every route, as everybody, with
 * whatever has broken servers before. Everything follows from the seed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { installationSettings, type Program, RATE_LIMITS_OFF, runIron, startServer } from '@iron/cluster'
import { residentMiB } from '@iron/test-kit'
import { type Attempt, attemptOf, bytesOf } from './attempt.ts'
import { Caller } from './caller.ts'
import { chanceOf } from './chance.ts'
import { faultsOf } from './judge.ts'
import { readSurface, type Surface } from './operations.ts'
import { smaller } from './smaller.ts'
import { type Exchange, exchangeAlone, KeptConnection } from './wire.ts'
import { World } from './world.ts'

export interface FuzzOptions {
  readonly program: Program
  readonly seed: number
  /** How many requests. */
  readonly requests: number
  /** Ends earlier after this many seconds. */
  readonly seconds: number
  /** The number of the first. */
  readonly first: number
  readonly say: (text: string) => void
}

/** What a run found. */
export interface FuzzReport {
  readonly sent: number
  /** Each with the seed and the number that make it again. */
  readonly failures: readonly string[]
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>
  readonly operations: number
  /** Operations that did what they are for at least once: hostile input that never gets past the first check proves little. */
  readonly succeeded: readonly string[]
  readonly neverSucceeded: readonly string[]
  readonly requestsPerSecond: number
  /** Those that took longest, the longest first. */
  readonly slowest: readonly Slow[]
  /** Of the server; `highest` in each tenth of the requests: memory that is lost grows to the end. */
  readonly residentMiB: { readonly before: number; readonly highest: readonly number[] }
}

/** How long one request took. */
export interface Slow {
  readonly ms: number
  /** A raw form or an operation. */
  readonly what: string
  /** The number of the request. */
  readonly index: number
}

/** Requests at the same time. */
const AT_ONCE = 8
/** Every so many requests credentials that died are made anew. */
const TEND_EVERY = 150
/** Longer than any deadline of the server, in milliseconds: whatever takes longer hangs. */
const DEADLINE_MS = 40_000
/** What the server may hold at most, in MiB. */
const RESIDENT_MAX_MIB = 700
/** Parts of a run whose memory is looked at apart. */
const PARTS = 10
/** How often it is looked at, in milliseconds. */
const LOOK_EVERY_MS = 500
/** Slow requests that are told. */
const SLOWEST_TOLD = 5
/** Failures after which a run ends. */
const FAILURES_MAX = 20
/** Characters of a request that are shown. */
const SHOWN_CHARACTERS = 4_000

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(tmpdir(), 'iron-fuzz-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const env = installationSettings(path.join(folder, 'fuzz.db'), { ...RATE_LIMITS_OFF, LOG_LEVEL: 'error' })
  const server = stack.use(await startServer(options.program, env))
  const caller = new Caller(server.port)
  const description = await caller.call('GET', '/api/v1/openapi.json')
  const surface = readSurface(description.body)
  const world = new World(caller)
  await world.create()
  const run = new Run(options, surface, world, server.port)
  const before = residentMiB(server.process.pid)
  const highest: number[] = []
  const look = setInterval(() => {
    const part = Math.min(PARTS - 1, Math.floor((run.sent / options.requests) * PARTS))
    highest[part] = Math.max(highest[part] ?? 0, Math.round(residentMiB(server.process.pid)))
  }, LOOK_EVERY_MS)
  stack.defer(() => clearInterval(look))
  const began = performance.now()
  await Promise.all(Array.from({ length: AT_ONCE }, () => run.work()))
  const tookSeconds = (performance.now() - began) / 1_000
  clearInterval(look)
  const { failures } = run
  const most = Math.max(...highest.filter(Number.isFinite))
  if (most > RESIDENT_MAX_MIB) failures.push(`the server holds ${most} MiB`)
  // Nothing that was sent has changed what the server says to everybody.
  if ((await caller.call('GET', '/api/v1/openapi.json')).body !== description.body)
    failures.push('the server is another one')
  const health = await caller.call('GET', '/api/v1/ready')
  if (health.status !== 200) failures.push(`not ready at the end: ${health.body}`)
  const { code } = await server.process.stop('SIGTERM', DEADLINE_MS)
  if (code !== 0) failures.push(`the server ended with ${String(code)}: ${server.process.stderr.slice(-2_000)}`)
  const verified = await runIron(options.program, ['verify'], env)
  if (verified.code !== 0) failures.push(`iron verify: ${verified.output}`)
  return {
    sent: run.sent,
    failures,
    statuses: Object.fromEntries([...run.statuses].sort()),
    operations: surface.operations.length,
    succeeded: [...run.succeeded].sort(),
    neverSucceeded: surface.operations.map(({ name }) => name).filter((name) => !run.succeeded.has(name)),
    requestsPerSecond: Math.round(run.sent / tookSeconds),
    slowest: run.slowest,
    residentMiB: { before: Math.round(before), highest: highest.filter(Number.isFinite) },
  }
}

/** The requests of one run. */
class Run {
  readonly failures: string[] = []
  readonly statuses = new Map<string, number>()
  readonly succeeded = new Set<string>()
  sent = 0
  slowest: readonly Slow[] = []
  readonly #options: FuzzOptions
  readonly #surface: Surface
  readonly #world: World
  readonly #port: number
  readonly #until: number
  readonly #before = new WeakMap<KeptConnection, Attempt>()
  #tending: Promise<unknown> | undefined

  constructor(options: FuzzOptions, surface: Surface, world: World, port: number) {
    this.#options = options
    this.#surface = surface
    this.#world = world
    this.#port = port
    this.#until = performance.now() + options.seconds * 1_000
  }

  /** One of several that take the next number until none is left. */
  async work(): Promise<void> {
    const { seed, first, requests } = this.#options
    using connection = new KeptConnection(this.#port)
    while (this.sent < requests && performance.now() < this.#until && this.failures.length < FAILURES_MAX) {
      const index = first + this.sent
      this.sent += 1
      if (this.sent % TEND_EVERY === 0) this.#tending ??= this.#world.tend().finally(() => (this.#tending = undefined))
      // Everybody waits: what is judged is always asked with the credential it is judged by.
      await this.#tending
      await this.#try(connection, attemptOf(this.#surface, this.#world, chanceOf(seed, index)), index)
    }
  }

  async #try(connection: KeptConnection, attempt: Attempt, index: number): Promise<void> {
    const began = performance.now()
    const exchange = await this.#exchange(connection, attempt)
    const slow = { ms: Math.round(performance.now() - began), what: attempt.raw ?? attempt.operation.name, index }
    this.slowest = [...this.slowest, slow].sort((a, b) => b.ms - a.ms).slice(0, SLOWEST_TOLD)
    for (const { status } of exchange.answers) {
      this.statuses.set(String(status), (this.statuses.get(String(status)) ?? 0) + 1)
    }
    const [answer] = exchange.answers
    if (attempt.isPlain && answer !== undefined && answer.status < 300) this.succeeded.add(attempt.operation.name)
    const faults = faultsOf(this.#surface, attempt, exchange)
    const [fault] = faults
    const before = this.#before.get(connection)
    this.#before.set(connection, attempt)
    if (fault === undefined) return
    const kind = fault.slice(0, 20)
    const fails = async (candidate: Attempt): Promise<boolean> =>
      faultsOf(this.#surface, candidate, await this.#exchange(connection, candidate)).some((each) =>
        each.startsWith(kind),
      )
    const least = fault.startsWith('hangs') ? attempt : await smaller(attempt, fails)
    const text = [
      `seed ${this.#options.seed}, request ${index} (--seed ${this.#options.seed} --first ${index} --requests 1), as ${attempt.principal.name}: ${faults.join('; ')}`,
      JSON.stringify(bytesOf(least)).slice(0, SHOWN_CHARACTERS),
      // What came before on the same connection may be what did it.
      ...(before === undefined || least !== attempt
        ? []
        : [`after ${JSON.stringify(bytesOf(before)).slice(0, SHOWN_CHARACTERS)}`]),
    ].join('\n')
    this.failures.push(text)
    this.#options.say(text)
  }

  #exchange(connection: KeptConnection, attempt: Attempt): Promise<Exchange> {
    const bytes = bytesOf(attempt)
    const isHead = attempt.method === 'HEAD'
    if (attempt.raw !== undefined) return exchangeAlone(this.#port, bytes, isHead, DEADLINE_MS)
    return connection.exchange(bytes, isHead, DEADLINE_MS)
  }
}
