/** The hot path costs what it must: statements are counted where they leave the package. */
import { expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import { call, openWorld } from './world.ts'

/** The transaction, and the statements that ran through it. Deferred rows are the journal's and not counted. */
function counted(tx: WriteTx): { readonly tx: WriteTx; readonly statements: string[] } {
  const statements: string[] = []
  const counting: WriteTx = {
    sql: tx.sql,
    dialect: tx.dialect,
    execute: (query) => {
      statements.push(query.sql)
      return tx.execute(query)
    },
    executeAll: (queries) => {
      statements.push(...queries.map(({ sql }) => sql))
      return tx.executeAll(queries)
    },
    savepoint: (work) => tx.savepoint(work),
    lock: (name, options) => tx.lock(name, options),
    holds: (name, options) => tx.holds(name, options),
    inTurn: (name, work) => tx.inTurn(name, work),
    defer: (queue, item) => tx.defer(queue, item),
    afterCommit: (run) => tx.afterCommit(run),
    notify: (channel, payload) => tx.notify(channel, payload),
  }
  return { tx: counting, statements }
}

test('a report inside its hold is six statements, a grant six, a report of a batch four, on SQLite', async () => {
  await using world = await openWorld()
  const { budgets, leases, test: db } = world
  await budgets.create('a', usd(100), { ownerId: 'owner-1' })
  const count = (run: (tx: WriteTx) => Promise<unknown>): Promise<number> =>
    db.db.write(async (outer) => {
      const { tx, statements } = counted(outer)
      await run(tx)
      return statements.length
    })
  let leaseId = ''
  expect(await count(async (tx) => (leaseId = (await leases.open('a', usd(10), { tx })).lease.id))).toBe(6)
  // Budget row, leases, request row, balances, ledger row, lease.
  expect(await count((tx) => leases.report(leaseId, call('r1', 1), { agentId: 'a', tx }))).toBe(6)
  // Of a repeat: budget row, leases, request row, which is there, and the first booking.
  expect(await count((tx) => leases.report(leaseId, call('r1', 1), { agentId: 'a', tx }))).toBe(5)
  expect(await count((tx) => leases.report(leaseId, call('r2', 0), { agentId: 'a', tx }))).toBeLessThanOrEqual(5)
  // Of each report: duplicate, balances, ledger row, request row. Of all: budget row, leases, lease.
  const batch = Array.from({ length: 10 }, (_, index) => ({ leaseId, report: call(`b${index}`, 0.1) }))
  expect(await count((tx) => leases.reportBatch(batch, { agentId: 'a', tx }))).toBe(4 * 10 + 3)
})
