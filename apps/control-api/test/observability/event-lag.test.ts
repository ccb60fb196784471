import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests } from '@iron/database/testing'
import { EventLog } from '@iron/journal'
import { EventLag } from '../../src/observability/event-lag.ts'

describe.each(await enginesForTests())('the event lag on %s', (dialect) => {
  test('is 0 once the follower was woken, and the age of the oldest unseen event when it is not', async () => {
    await using world = await createTestDb({ dialect })
    const { db, clock } = world
    const log = new EventLog(db)
    const tell = (): Promise<unknown> =>
      db.write((tx) => log.append({ type: 'agent.started', agentId: 'a', data: {} }, { tx }))
    await tell()
    const lag = new EventLag(db, log)
    await lag.start()
    expect(await lag.ms()).toBe(0)
    await tell()
    clock.advance(1_000)
    const deadlineMs = performance.now() + 4_000
    // Less than the time after which it would look by itself.
    while ((await lag.ms()) > 0 && performance.now() < deadlineMs) await new Promise((resolve) => setImmediate(resolve))
    expect(await lag.ms()).toBe(0)
    await lag.stop()
    await tell()
    clock.advance(20_000)
    await tell()
    clock.advance(5_000)
    expect(await lag.ms()).toBe(25_000)
  })
})
