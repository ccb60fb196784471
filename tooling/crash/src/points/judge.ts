/** What must hold of an operation that was killed: all of it is there or nothing, and repeated it is there once. */
import { type Footprint, isSame } from './footprint.ts'

/** What a call leaves behind and how it is answered. */
export interface Outcome {
  readonly status: number
  readonly effect: Footprint
}

/** An operation to which nothing happens, and the same request once more. */
export interface Undisturbed {
  readonly first: Outcome
  readonly again: Outcome
}

/** The same operation killed. */
export interface Killed {
  /** Whether it was answered before the process died. */
  readonly acknowledged: boolean
  /** What is there after the restart. */
  readonly effect: Footprint
  /** The first retry, and one more. */
  readonly retried: Outcome
  readonly retriedAgain: Outcome
}

/** Whether the effect was there after the restart. */
export function isPresent({ effect }: Killed, { first }: Undisturbed): boolean {
  return isSame(effect, first.effect)
}

/** @returns what must not be; empty when all holds */
export function faultsOf(killed: Killed, undisturbed: Undisturbed): string[] {
  const { acknowledged, effect, retried, retriedAgain } = killed
  const { first, again } = undisturbed
  const faults: string[] = []
  const isAbsent = isSame(effect, {})
  if (!isAbsent && !isPresent(killed, undisturbed)) faults.push(`the effect is half there: ${JSON.stringify(effect)}`)
  if (isAbsent && acknowledged) faults.push('what was acknowledged is lost')
  const expected = isAbsent ? first : again
  for (const [what, found, wanted] of [
    ['the retry', retried, expected],
    ['one more retry', retriedAgain, again],
  ] as const) {
    if (found.status !== wanted.status) faults.push(`${what} was answered with ${found.status}, not ${wanted.status}`)
    if (!isSame(found.effect, wanted.effect)) faults.push(`${what} added ${JSON.stringify(found.effect)}`)
  }
  return faults
}
