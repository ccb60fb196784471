import { DatabaseError } from '../errors.ts'
import type { WriteGroup } from '../iron-database.ts'
import type { OpenTransaction } from '../open-transaction.ts'
import { writeTimeout } from '../open-writes.ts'
import type { WriteTx } from '../transaction.ts'
import type { AttemptedWork } from './attempt-write.ts'
import { busy } from './failure.ts'

/** Jobs that share one transaction (budget protocol 2). */
const GROUP_MAX = 256
/** Jobs of one key in it. They run one after the other, so more would only make a transaction long that others wait for. */
const GROUP_MAX_OF_KEY = 32
/** Transactions with jobs of several keys at once: while one commits, the other works. */
const WIDE_GROUPS_MAX = 2
/** Connections that groups leave to reads and to writes of one's own. */
const CONNECTIONS_LEFT = 2

type Work<T> = (tx: WriteTx) => Promise<T>

interface Job {
  readonly work: Work<unknown>
  readonly group: WriteGroup
  readonly deadlineMs: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** Ends its wait in the queue. */
  late: NodeJS.Timeout | undefined
}

/** What {@link WriteGroups} needs of its database. */
export interface GroupHost {
  readonly connectionsMax: number
  readonly waitingMax: number
  /** One transaction, tried once. `writes` is how many jobs it is for. */
  attempt<T>(work: AttemptedWork<T>, deadlineMs: number, writes: number): Promise<T>
  /** One job in a transaction of its own, run again after conflicts. */
  alone<T>(work: Work<T>, deadlineMs: number): Promise<T>
  /** Runs work so that a nested write without its transaction is noticed. */
  inside<T>(tx: OpenTransaction, work: Work<T>): Promise<T>
}

/**
 * Group commit on PostgreSQL. What waits while a transaction is on its way shares the next one: its locks are asked for up front and in one
 * order, its jobs run side by side on one connection, whose statements travel in a pipeline instead of one round trip each, its
 * audit entries, events and counters are one statement each, and one fsync serves all. A lone job is a transaction as ever. When
 * anything in a group fails, nothing of it has happened and each job is run again on its own (CON-16).
 */
export class WriteGroups {
  readonly #host: GroupHost
  readonly #queue = new Set<Job>()
  /** Keys of the transactions under way: a job that would wait for their rows waits here instead. */
  readonly #busy = new Set<string>()
  /** What they decide on besides. */
  readonly #decidedOn = new Set<string>()
  #running = 0
  #idle: (() => void) | undefined
  #wide = 0
  #isWaking = false

  constructor(host: GroupHost) {
    this.#host = host
  }

  /** Jobs in the queue. */
  get waiting(): number {
    return this.#queue.size
  }

  /** Resolves when nothing runs and nobody waits. */
  async idle(): Promise<void> {
    if (this.#running > 0 || this.#queue.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  add<T>(work: Work<T>, group: WriteGroup, deadlineMs: number): Promise<T> {
    if (this.#queue.size >= this.#host.waitingMax) return Promise.reject(busy('too many calls are waiting'))
    return new Promise<T>((resolve, reject) => {
      const job: Job = {
        work,
        group,
        deadlineMs,
        resolve: resolve as (value: unknown) => void,
        reject,
        late: undefined,
      }
      job.late = setTimeout(
        () => {
          this.#queue.delete(job)
          reject(writeTimeout())
        },
        Math.max(0, deadlineMs - performance.now()),
      )
      this.#queue.add(job)
      this.#wake()
    })
  }

  /** At the end of the loop turn, so that what arrives together goes together. */
  #wake(): void {
    if (this.#isWaking) return
    this.#isWaking = true
    setImmediate(() => {
      this.#isWaking = false
      for (let jobs = this.#next(); jobs.length > 0; jobs = this.#next()) void this.#run(jobs)
    })
  }

  /** The jobs of the next transaction; none when all that wait have to wait on. */
  #next(): Job[] {
    if (this.#running >= Math.max(1, this.#host.connectionsMax - CONNECTIONS_LEFT)) return []
    let first: Job | undefined
    const jobs: Job[] = []
    const counts = new Map<string, number>()
    for (const job of this.#queue) {
      if (jobs.length === GROUP_MAX) break
      const { group } = job
      if (this.#isBusy(group)) continue
      const count = counts.get(group.key) ?? 0
      if (count === GROUP_MAX_OF_KEY) continue
      first ??= job
      if (!mayShare(first.group, group)) continue
      jobs.push(job)
      counts.set(group.key, count + 1)
    }
    for (const job of jobs) {
      this.#queue.delete(job)
      clearTimeout(job.late)
    }
    return jobs
  }

  #isBusy({ key, decidesOn }: WriteGroup): boolean {
    if (this.#busy.has(key)) return true
    return decidesOn === undefined ? this.#wide >= WIDE_GROUPS_MAX : this.#decidedOn.has(decidesOn)
  }

  async #run(jobs: readonly Job[]): Promise<void> {
    const keys = new Set(jobs.map(({ group }) => group.key))
    const decidesOn = jobs[0]?.group.decidesOn
    const isWide = decidesOn === undefined
    for (const key of keys) this.#busy.add(key)
    if (decidesOn !== undefined) this.#decidedOn.add(decidesOn)
    this.#running += 1
    if (isWide) this.#wide += 1
    await this.#commit(jobs, [...keys].sort(byCodeUnit))
    for (const key of keys) this.#busy.delete(key)
    if (decidesOn !== undefined) this.#decidedOn.delete(decidesOn)
    this.#running -= 1
    if (isWide) this.#wide -= 1
    if (this.#queue.size > 0) this.#wake()
    else if (this.#running === 0) this.#idle?.()
  }

  async #commit(jobs: readonly Job[], keys: readonly string[]): Promise<void> {
    if (jobs.length === 1) return this.#runAlone(jobs)
    const deadlineMs = Math.min(...jobs.map((job) => job.deadlineMs))
    try {
      const together: AttemptedWork<unknown[]> = (tx, connection) =>
        connection.pipelined(() => this.#runTogether(tx, jobs, keys), { joins: true })
      const values = await this.#host.attempt(together, deadlineMs, jobs.length)
      jobs.forEach((job, index) => job.resolve(values[index]))
    } catch (error) {
      if (isOutage(error)) for (const job of jobs) job.reject(error)
      else await this.#runAlone(jobs)
    }
  }

  async #runAlone(jobs: readonly Job[]): Promise<void> {
    await Promise.all(jobs.map((job) => this.#host.alone(job.work, job.deadlineMs).then(job.resolve, job.reject)))
  }

  /** Jobs of one key in the order of arrival, those of different keys side by side. */
  async #runTogether(tx: OpenTransaction, jobs: readonly Job[], keys: readonly string[]): Promise<unknown[]> {
    const [first] = jobs
    const locked = Promise.allSettled((await first?.group.lock(tx, keys, hintsOf(jobs))) ?? [])
    const values = new Map<Job, unknown>()
    const chains = Map.groupBy(jobs, ({ group }) => group.key)
    const ends = keys.map(async (key) => {
      for (const job of chains.get(key) ?? []) {
        values.set(job, await tx.share('abreast', (part) => this.#host.inside(part, job.work)))
      }
    })
    // Also after a failure: nothing may be sent any more when the transaction is undone.
    const worked = Promise.allSettled(ends)
    const failed = [...(await locked), ...(await worked)].find((end) => end.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return jobs.map((job) => values.get(job))
  }
}

/** Of each key that has any. */
function hintsOf(jobs: readonly Job[]): ReadonlyMap<string, string> {
  const hints = new Map<string, string>()
  for (const { group } of jobs) if (group.hint !== undefined) hints.set(group.key, group.hint)
  return hints
}

function mayShare(first: WriteGroup, other: WriteGroup): boolean {
  return first.lock === other.lock && first.decidesOn === other.decidesOn
}

/** The jobs would fare no better one by one, or may have happened. */
function isOutage(error: unknown): boolean {
  return error instanceof DatabaseError && OUTAGES.has(error.code)
}

const OUTAGES: ReadonlySet<string> = new Set(['DATABASE_UNAVAILABLE', 'DATABASE_CLOSED', 'WRITE_TIMEOUT'])

/** As PostgreSQL sorts text of the collation "C". */
function byCodeUnit(one: string, other: string): number {
  return one < other ? -1 : 1
}
