/** What the clients of one run share. */
import { sleep } from '@iron/cluster'
import type { Headers } from '../points/subject.ts'
import type { Outcome } from './history.ts'
import type { Recorder } from './recorder.ts'

/** Pause before a call is repeated whose outcome is unknown, in milliseconds. */
const AGAIN_AFTER_MS = 100
/** A call without an outcome is repeated this often, in all longer than a server takes to come back. */
const ATTEMPTS_MAX = 300
/** How many unknown outcomes stay unknown: nobody asks again. */
const ABANDONED = 0.2

/** An agent as its runtimes and its administrator know it. */
export interface RunAgent {
  readonly id: string
  /** Its IC token, and the number of acknowledged regenerations before it. */
  token: { readonly headers: Headers; readonly number: number }
}

export interface Run {
  readonly recorder: Recorder
  readonly admin: Headers
  /** 0..1 */
  readonly random: () => number
  /** Clients begin nothing new after it. */
  isOver: boolean
}

/** Repeats a call until its outcome is known, or gives it up unknown. */
export async function settle<R extends { readonly outcome: Outcome }>(
  run: Run,
  attempt: () => Promise<R>,
  mayAbandon = true,
): Promise<R> {
  for (let left = ATTEMPTS_MAX; ; left -= 1) {
    const result = await attempt()
    if (result.outcome.kind !== 'unknown' || left === 0) return result
    if (mayAbandon && run.random() < ABANDONED) return result
    await sleep(AGAIN_AFTER_MS)
  }
}

export const pick = <T>(run: Run, list: readonly T[]): T | undefined => list[Math.floor(run.random() * list.length)]
