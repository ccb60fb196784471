import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import type { PreparedQuery } from '@iron/database'
import { createTestDb, enginesForTests } from '@iron/database/testing'
import { type EndingMessage, LEASE_ENDINGS_CHANNEL, Ledger } from '../src/index.ts'
import { ADMIN, call, HOUR, openWorld } from './world.ts'

const usdIn = (micros: number | bigint): number => Number(micros) / 1_000_000

describe.each(await enginesForTests())('totals on %s', (dialect) => {
  test('OPS-21 what open leases hold is one figure, equal to what is reserved', async () => {
    await using world = await openWorld({ dialect })
    const { budgets, leases, ledger, clock } = world
    expect(await ledger.totals()).toEqual({
      allocated: 0n,
      reserved: 0n,
      spent: 0n,
      outstanding: 0n,
      active: 0,
      expired: 0,
    })
    for (const agent of ['a', 'b', 'c']) await budgets.create(agent, usd(100), { ownerId: 'o' })
    const first = (await leases.open('a', usd('10.000001'))).lease.id
    await leases.report(first, call('r1', 4))
    await leases.returnLease((await leases.open('b', usd(30))).lease.id, { spent: usd(5) })
    clock.advance(HOUR)
    await leases.open('c', usd('0.999999'))
    const { allocated, reserved, spent, outstanding, ...counts } = await ledger.totals()
    expect([allocated, reserved, spent, outstanding].map(usdIn)).toEqual([300, 7, 9, 7])
    // The first is past its deadline and in grace: it still holds its money.
    expect(counts).toEqual({ active: 1, expired: 1 })
  })

  test('DAT-17 sums beyond 2^53 microdollars are exact', async () => {
    await using world = await openWorld({ dialect })
    const { budgets, ledger } = world
    for (let agent = 0; agent < 12; agent += 1) {
      await budgets.create(`agent-${String(agent)}`, usd('999999999.999999'), { ownerId: 'o' })
    }
    expect((await ledger.totals()).allocated).toBe(12n * 999_999_999_999_999n)
  })

  test('OPS-14 of the leases only the open ones are looked at', async () => {
    await using test = await createTestDb({ dialect })
    const { db } = test
    const seen: PreparedQuery[] = []
    await db.read((tx) => {
      const execute: typeof tx.execute = (query) => {
        seen.push(query)
        return tx.execute(query)
      }
      return new Ledger(db).totals({ tx: { dialect: tx.dialect, sql: tx.sql, execute } })
    })
    const onLeases = seen.filter(({ sql }) => sql.includes('"leases"'))
    expect(onLeases).toHaveLength(1)
    for (const { sql, parameters } of onLeases) {
      const explained = `${dialect === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN'} ${sql}`
      const { rows } = await db.read((tx) => tx.execute({ sql: explained, parameters }))
      expect(JSON.stringify(rows)).toMatch(/leases_(active|due)/)
    }
  })

  test('endings are told after their commit, with their reason, and not of what was undone', async () => {
    await using world = await openWorld({ dialect, leases: { ttlMs: HOUR, graceMs: 0 } })
    const { budgets, leases, clock } = world
    await budgets.create('a', usd(100), { ownerId: 'o' })
    const open = async (): Promise<string> => (await leases.open('a', usd(1))).lease.id
    const told: string[] = []
    const note = (message: unknown): void => void told.push((message as EndingMessage).closeReason)
    subscribe(LEASE_ENDINGS_CHANNEL, note)
    try {
      await leases.returnLease(await open())
      await leases.refresh(await open(), usd(2))
      await leases.revoke(await open(), ADMIN, { reason: 'test' })
      const undone = world.test.db.write(async (tx) => {
        await leases.returnLease((await leases.open('a', usd(1), { tx })).lease.id, { tx })
        throw new Error('undone')
      })
      await expect(undone).rejects.toThrow('undone')
      clock.advance(2 * HOUR)
      await leases.sweep()
    } finally {
      unsubscribe(LEASE_ENDINGS_CHANNEL, note)
    }
    expect(told).toEqual(['returned', 'superseded', 'revoked', 'lapsed'])
  })
})
