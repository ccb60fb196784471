import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { COMMITS_CHANNEL, type CommitMessage } from '@iron/database'
import { enginesForTests } from '@iron/database/testing'
import { createWorld } from './world.ts'

const AGENTS = 24

/** Runs work and tells how many writes each of its commits made durable. */
async function commitsOf(work: () => Promise<unknown>): Promise<readonly number[]> {
  const writes: number[] = []
  const note = (message: unknown): void => void writes.push((message as CommitMessage).writes)
  subscribe(COMMITS_CHANNEL, note)
  try {
    await work()
  } finally {
    unsubscribe(COMMITS_CHANNEL, note)
  }
  return writes
}

describe.each(await enginesForTests())('grants of one owner on %s', (dialect) => {
  test('share commits', async () => {
    await using world = await createWorld(dialect)
    const agents = await Promise.all(Array.from({ length: AGENTS }, () => world.newAgent('100')))
    const commits = await commitsOf(() =>
      Promise.all(agents.map(({ principal }) => world.protocol.handshake(principal, { requested: usd(5) }))),
    )
    expect(Math.max(...commits)).toBeGreaterThanOrEqual(AGENTS / 2)
    expect(await world.ledger.verify()).toEqual([])
  })

  test('CON-06 never lend more than its limit leaves, however many come at once', async () => {
    await using world = await createWorld(dialect)
    await world.limits.create({ ownerId: world.owner.id, maxCostPerMonth: usd(17) }, world.owner.id)
    const agents = await Promise.all(Array.from({ length: AGENTS }, () => world.newAgent('100')))
    const settled = await Promise.allSettled(
      agents.map(({ principal }, index) => world.protocol.handshake(principal, { requested: usd(1 + (index % 3)) })),
    )
    const granted = settled.map((grant) => (grant.status === 'fulfilled' ? grant.value.lease.granted : 0))
    expect(granted.reduce<number>((sum, amount) => sum + amount, 0)).toBe(usd(17))
    const refusals = settled
      .filter((grant) => grant.status === 'rejected')
      .map(({ reason }) => (reason as { code?: string }).code)
    expect(refusals.length).toBeGreaterThan(0)
    expect(new Set(refusals)).toEqual(new Set(['LIMIT_EXCEEDED']))
    expect(await world.ledger.verify()).toEqual([])
  })
})
