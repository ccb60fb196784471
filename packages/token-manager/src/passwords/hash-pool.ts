/**
 * The threads in which passwords are hashed, shared by all services of a process. They start with the first password, end
 * after a while without one, and never keep a process alive. At most {@link HASH_QUEUE_MAX} passwords wait; more are refused
 * at once, because a queue that only grows answers nobody in time.
 */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { TokenManagerError } from '../errors.ts'
import type { HashAnswer, HashTask } from './hash-worker.ts'

/** Passwords that may be hashed or wait for it at one time; at cost 12 two threads work these off in about 15 s. */
export const HASH_QUEUE_MAX = 100
/** Threads: what one machine gives to logins without starving its requests. */
const THREADS_MAX = 4
/** How long a thread lives without work, in milliseconds. */
const THREAD_IDLE_MS = 10_000
/** Hashing yields to requests on a busy machine (Linux thread priority, 0..19). */
const NICENESS = 10

let pool: Piscina<HashTask, HashAnswer> | undefined
let pending = 0
let rounds = 0

/** How busy the hashing threads of this process are. */
export interface PasswordQueue {
  /** Passwords being hashed or compared now, or waiting for it. */
  readonly pending: number
  /** Above this, passwords are refused with `HASHING_BUSY`. */
  readonly pendingMax: number
  /** Rounds of bcrypt run since the process started: the work done, whatever the cost of each hash. */
  readonly rounds: number
}

/** For the metrics of a host: a queue that stays near its maximum wants more threads or fewer logins. */
export function passwordQueue(): PasswordQueue {
  return Object.freeze({ pending, pendingMax: HASH_QUEUE_MAX, rounds })
}

/**
 * Runs a task in a hashing thread.
 *
 * @throws {TokenManagerError} HASHING_BUSY (retryable) when the queue is full
 */
export async function runInHashThread(task: HashTask): Promise<string | boolean> {
  if (pending >= HASH_QUEUE_MAX) {
    throw new TokenManagerError('HASHING_BUSY', 'too many passwords are being checked, try again shortly', {
      retryable: true,
    })
  }
  pending += 1
  try {
    pool ??= new Piscina<HashTask, HashAnswer>({
      filename: workerFile(),
      minThreads: 0,
      maxThreads: Math.min(THREADS_MAX, availableParallelism()),
      idleTimeout: THREAD_IDLE_MS,
      niceIncrement: NICENESS,
      recordTiming: false,
    })
    const done = await pool.run(task)
    rounds += done.rounds
    return done.answer
  } finally {
    pending -= 1
  }
}

/** The worker stands beside this file in the language this file is in: sources in tests, JavaScript when built. */
function workerFile(): string {
  const place = import.meta.url.endsWith('.ts') ? './hash-worker.ts' : './passwords/hash-worker.js'
  return fileURLToPath(new URL(place, import.meta.url))
}
