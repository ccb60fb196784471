import type { WriteTx } from '@iron/database'

/** A transaction whose entries for the logs wait for `release`. */
export interface HeldBack {
  readonly tx: WriteTx
  readonly release: () => void
}

/** For an operation whose first event tells what its later steps have done: their entries wait until it stands before them. */
export function holdBack(tx: WriteTx): HeldBack {
  const waiting: (() => void)[] = []
  const held: WriteTx = {
    dialect: tx.dialect,
    sql: tx.sql,
    execute: (query) => tx.execute(query),
    executeAll: (queries) => tx.executeAll(queries),
    savepoint: (work) => tx.savepoint(work),
    lock: (name, options) => tx.lock(name, options),
    holds: (name, options) => tx.holds(name, options),
    inTurn: (name, work) => tx.inTurn(name, work),
    defer: (queue, item) => {
      waiting.push(() => tx.defer(queue, item))
    },
    afterCommit: (run) => tx.afterCommit(run),
    notify: (channel, payload) => tx.notify(channel, payload),
  }
  return {
    tx: held,
    release: () => {
      for (const run of waiting.splice(0)) run()
    },
  }
}
