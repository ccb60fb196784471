/** A transaction that fails at a chosen step: a statement, a lock, or an entry handed in for the logs. */
import type { WriteTx } from '@iron/database'
import type { KyselyPlugin } from 'kysely'

/** What a step fails with. */
export class Fault extends Error {}

/** Counts the steps of a transaction and fails at one of them; never with `failAt` 0. */
export class Steps {
  readonly #failAt: number
  #taken = 0

  constructor(failAt = 0) {
    this.#failAt = failAt
  }

  get taken(): number {
    return this.#taken
  }

  /** @throws {Fault} at the chosen step, before it has done anything */
  take(what: string): void {
    this.#taken += 1
    if (this.#taken === this.#failAt) throw new Fault(`step ${this.#taken}: ${what}`)
  }
}

/** The transaction with its steps counted, savepoints within it included. */
export function countedTx(tx: WriteTx, steps: Steps): WriteTx {
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      steps.take(node.kind)
      return node
    },
    transformResult: async ({ result }) => result,
  }
  return {
    dialect: tx.dialect,
    get sql() {
      return tx.sql.withPlugin(plugin)
    },
    execute: async (query) => {
      steps.take(query.sql)
      return tx.execute(query)
    },
    executeAll: async (queries) => {
      for (const query of queries) steps.take(query.sql)
      return tx.executeAll(queries)
    },
    savepoint: (work) => tx.savepoint((inner) => work(countedTx(inner, steps))),
    lock: async (name, options) => {
      steps.take(`lock ${name}`)
      await tx.lock(name, options)
    },
    holds: (name, options) => tx.holds(name, options),
    inTurn: (name, work) => tx.inTurn(name, work),
    defer: (queue, item) => {
      steps.take('log entry')
      tx.defer(queue, item)
    },
    afterCommit: (run) => tx.afterCommit(run),
    notify: (channel, payload) => tx.notify(channel, payload),
  }
}
