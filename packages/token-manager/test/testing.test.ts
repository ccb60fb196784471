import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { createTestDb, createTestDbWithSeed, createTestStorage, manualClock } from '../src/testing.ts'

describe.each(await enginesForTests())('the helpers on %s', (dialect) => {
  test('do what their documentation shows', async () => {
    await using empty = await createTestDb({ dialect })
    expect(await empty.scalar<number>('SELECT 1')).toBe(1)
    await using seeded = await createTestDbWithSeed({ dialect })
    expect(await seeded.scalar<number>('SELECT COUNT(*) FROM users')).toBe(3)
    await using storage = await createTestStorage({ dialect })
    const tokenId = await storage.storage.createToken('hash', 'user', null, null, null, null)
    const found = await storage.db.scalar('SELECT EXISTS(SELECT 1 FROM api_tokens WHERE id = ?)', tokenId)
    expect(Number(found)).toBe(1)
    expect(await storage.tokens.verify('hash')).toBe(true)
    expect(await storage.tokens.getToken(tokenId)).toMatchObject({
      ownerId: 'user',
      projectId: null,
      name: 'API token',
    })
  })

  test('services of a storage work together, unknown owners included', async () => {
    await using test = await createTestStorage({ dialect })
    const secret = await test.tokens.createToken('user-001', 'my-api-key')
    await test.limits.create({ ownerId: 'user-001', maxTokensPerDay: 1_500 }, 'user-001')
    expect((await test.tokens.recordUsage(secret, 1_000, 0.05)).exceeded).toBeNull()
    expect((await test.tokens.recordUsage(secret, 1_000, 0.05)).exceeded).toMatchObject({ window: 'tokens_per_day' })
    expect(await test.usage.totals()).toMatchObject({ requests: 2, totalTokens: 2_000, cost: 100_000 })
    expect((await test.users.listUsers()).total).toBe(1)
  })

  test('no two share anything', async () => {
    await using one = await createTestDbWithSeed({ dialect })
    await using two = await createTestDb({ dialect })
    await one.rows('DELETE FROM limits')
    expect(await one.scalar('SELECT count(*) FROM limits')).toBe(0)
    expect(await two.scalar('SELECT count(*) FROM users')).toBe(0)
    one.clock.advance(5)
    expect(two.clock.now()).toBe(manualClock().now())
  })
})
