import { describe, expect, test } from '@jest/globals'
import { IdempotencyStore } from '../src/index.ts'
import { createTestDb, enginesForTests } from '../src/testing.ts'

describe.each(await enginesForTests())('idempotency on %s', (dialect) => {
  const key = { principalId: 'user-1', route: 'POST /agents', key: 'k1', payload: { name: 'a', tags: [1, 2] } }

  test('CON-04 a repeat gets the stored answer, and nothing happens again', async () => {
    await using test = await createTestDb({ dialect })
    const store = new IdempotencyStore(test.db)
    let runs = 0
    const work = async (): Promise<{ id: number }> => ({ id: (runs += 1) })
    expect(await store.run(key, work)).toEqual({ result: { id: 1 }, replayed: false })
    expect(await store.run({ ...key, payload: { tags: [1, 2], name: 'a' } }, work)).toEqual({
      result: { id: 1 },
      replayed: true,
    })
    expect(await store.run({ ...key, principalId: 'user-2' }, work)).toEqual({ result: { id: 2 }, replayed: false })
    await expect(store.run({ ...key, payload: { name: 'b' } }, work)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    expect(runs).toBe(2)
    const repeats = [await store.run(key, work), await store.run({ ...key, key: 'k2' }, work)]
    expect(repeats.map((answer) => [answer.replayed, Object.isFrozen(answer)])).toEqual([
      [true, true],
      [false, true],
    ])
  })

  test('concurrent calls with one key run once', async () => {
    await using test = await createTestDb({ dialect })
    const store = new IdempotencyStore(test.db)
    let runs = 0
    const answers = await Promise.all(Array.from({ length: 20 }, () => store.run(key, async () => (runs += 1))))
    expect(runs).toBe(1)
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
    expect(new Set(answers.map(({ result }) => result))).toEqual(new Set([1]))
  })

  test('a failed run stores nothing', async () => {
    await using test = await createTestDb({ dialect })
    const store = new IdempotencyStore(test.db)
    await expect(
      store.run(key, async () => {
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await store.run(key, async () => 'again')).toEqual({ result: 'again', replayed: false })
  })

  test('DAT-21 keys are forgotten by age, in bounded steps', async () => {
    await using test = await createTestDb({ dialect })
    const store = new IdempotencyStore(test.db)
    for (const name of ['a', 'b', 'c']) await store.run({ ...key, key: name }, async () => name)
    const olderThan = test.clock.now() + 1
    expect(await store.prune({ olderThan: test.clock.now() })).toBe(0)
    expect(await store.prune({ olderThan, limit: 2 })).toBe(2)
    expect(await store.prune({ olderThan, limit: 2 })).toBe(1)
    await expect(store.prune({ olderThan: Number.NaN, limit: -1 })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { olderThan: 'must be a whole number', limit: expect.any(String) } },
    })
  })

  test('a malformed key is refused by name', async () => {
    await using test = await createTestDb({ dialect })
    const store = new IdempotencyStore(test.db)
    expect(() => store.run({ ...key, key: 'a b', principalId: '' }, async () => 1)).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_ERROR',
        details: { fields: { key: expect.any(String), principalId: expect.any(String) } },
      }),
    )
  })
})
