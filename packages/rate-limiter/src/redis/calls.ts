// Not the global one: whoever tests with fake timers would wait for ever.
import { setImmediate } from 'node:timers'
import type { StoreOperation, StoreResult } from '../store.ts'
import { argumentsOf, resultsOf } from './operation.ts'
import { ANSWERS_AN_OPERATION } from './script.ts'

/** Operations that share a script, unless one list has more: Redis does nothing else meanwhile (measured: 5 to 6 µs each). */
export const OPERATIONS_MAX = 64

interface Call {
  readonly operations: readonly StoreOperation[]
  readonly now: number
  readonly resolve: (results: readonly StoreResult[]) => void
  readonly reject: (error: unknown) => void
}

/** Runs the script. @returns what Redis answers */
export type RunScript = (keys: readonly string[], args: readonly string[]) => Promise<unknown>

/**
 * Lets the lists that are asked for in one turn of the event loop share a script: to call one, and to read and send its message, costs more
 * than what it does for a key. Each list is one step all the same, and fails on its own.
 */
export class Calls {
  readonly #run: RunScript
  #waiting: Call[] = []

  constructor(run: RunScript) {
    this.#run = run
  }

  add(operations: readonly StoreOperation[], now: number): Promise<readonly StoreResult[]> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.send())
      this.#waiting.push({ operations, now, resolve, reject })
    })
  }

  /** Sends what waits, so that whatever is sent afterwards comes after it. */
  send(): void {
    const calls = this.#waiting
    if (calls.length === 0) return
    this.#waiting = []
    let first = 0
    let operations = 0
    for (const [index, call] of calls.entries()) {
      if (index > first && operations + call.operations.length > OPERATIONS_MAX) {
        void this.#together(calls.slice(first, index))
        first = index
        operations = 0
      }
      operations += call.operations.length
    }
    void this.#together(calls.slice(first))
  }

  async #together(calls: readonly Call[]): Promise<void> {
    const keys: string[] = []
    const args: string[] = []
    for (const { operations, now } of calls) {
      for (const [index, operation] of operations.entries()) {
        keys.push(operation.key)
        args.push(...argumentsOf(operation, now, index === 0))
      }
    }
    let answer: unknown
    try {
      answer = await this.#run(keys, args)
    } catch (error) {
      for (const { reject } of calls) reject(error)
      return
    }
    const answers = Array.isArray(answer) && answer.length === keys.length * ANSWERS_AN_OPERATION ? answer : undefined
    let from = 0
    for (const { operations, now, resolve, reject } of calls) {
      const end = from + operations.length * ANSWERS_AN_OPERATION
      try {
        resolve(resultsOf(operations, answers?.slice(from, end), now))
      } catch (error) {
        reject(error)
      }
      from = end
    }
  }
}
