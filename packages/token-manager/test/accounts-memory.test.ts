import { describe, expect, test } from '@jest/globals'
import { type IronDatabase, openDatabase } from '@iron/database'
import { createTestDb, enginesForTests } from '@iron/database/testing'
import { AccountMemory, accountsChanged } from '../src/account-memory.ts'

const MAX_AGE_MS = 1_000

describe('AccountMemory', () => {
  const filled = (entriesMax = 10): AccountMemory<string> => {
    const memory = new AccountMemory<string>(MAX_AGE_MS, entriesMax)
    memory.reading('a', 5_000)('one')
    return memory
  }

  test('AUT-07 believes nothing for longer than its time, counted from the begin of the read', () => {
    const memory = filled()
    expect(memory.get('a', 5_000)).toBe('one')
    expect(memory.get('a', 5_999)).toBe('one')
    expect(memory.get('b', 5_000)).toBeUndefined()
    expect(memory.get('a', 6_000)).toBeUndefined()
    expect(memory.get('a', 5_000)).toBeUndefined()
  })

  test('a clock that stepped back makes a value too old to believe', () => {
    expect(filled().get('a', 4_999)).toBeUndefined()
  })

  test('0 remembers nothing', () => {
    const memory = new AccountMemory<string>(0, 10)
    memory.reading('a', 5_000)('one')
    expect(memory.get('a', 5_000)).toBeUndefined()
  })

  test.each([
    ['everything', (memory: AccountMemory<string>) => memory.forgetAll()],
    ['that key', (memory: AccountMemory<string>) => memory.forget('b')],
    ['another key', (memory: AccountMemory<string>) => memory.forget('a')],
  ])('AUT-07 what was read before %s was forgotten is not stored after it', (_, forget) => {
    const memory = filled()
    const store = memory.reading('b', 5_000)
    forget(memory)
    store('old')
    expect(memory.get('b', 5_000)).toBeUndefined()
    memory.reading('b', 5_000)('new')
    expect(memory.get('b', 5_000)).toBe('new')
  })

  test('forgetting one key keeps the others', () => {
    const memory = filled()
    memory.reading('b', 5_000)('two')
    memory.forget('a')
    expect(memory.get('a', 5_000)).toBeUndefined()
    expect(memory.get('b', 5_000)).toBe('two')
  })

  test('is bounded: the oldest make room, and a value read again is new', () => {
    const memory = filled(3)
    for (const key of ['b', 'c', 'a', 'd', 'e']) memory.reading(key, 5_000)(key)
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => memory.get(key, 5_000))).toEqual([
      'a',
      undefined,
      undefined,
      'd',
      'e',
    ])
  })

  test('the oldest make room also after others were forgotten, for as long as values come', () => {
    const memory = new AccountMemory<number>(MAX_AGE_MS, 100)
    const kept: number[] = []
    for (let value = 0; value < 1_000; value += 1) {
      memory.reading(String(value), 5_000)(value)
      if (kept.push(value) > 100) kept.shift()
      if (value % 7 === 0) memory.forget(String(kept.splice((value * 31) % kept.length, 1)[0]))
      if (value === 500) {
        memory.forgetAll()
        kept.length = 0
      }
    }
    const found = Array.from({ length: 1_000 }, (_, value) => value).filter(
      (value) => memory.get(String(value), 5_000) !== undefined,
    )
    expect(found).toEqual(kept)
  })
})

describe.each(await enginesForTests())('following changes on %s', (dialect) => {
  async function followed(db: IronDatabase): Promise<AccountMemory<string>> {
    const memory = new AccountMemory<string>(MAX_AGE_MS, 10)
    memory.follow(db)
    memory.follow(db)
    // Resolves when the channel is listened to, on whatever connection that is.
    await db.listen('iron_accounts', () => {})
    memory.reading('a', 0)('one')
    return memory
  }

  test('AUT-07 a commit of this process is known before its writer goes on, whichever handle it used', async () => {
    await using test = await createTestDb({ dialect })
    await using elsewhere = await createTestDb()
    const [memory, other] = [await followed(test.db), await followed(elsewhere.db)]
    await test.db.write(async (tx) => accountsChanged(tx))
    expect(memory.get('a', 0)).toBeUndefined()
    // One database too many forgets: that costs a read, and spares knowing which one a transaction belongs to.
    expect(other.get('a', 0)).toBeUndefined()
  })

  test('what was rolled back changes no memory', async () => {
    await using test = await createTestDb({ dialect })
    const memory = await followed(test.db)
    const work = test.db.write(async (tx) => {
      accountsChanged(tx)
      throw new Error('changed our mind')
    })
    await expect(work).rejects.toThrow('changed our mind')
    expect(memory.get('a', 0)).toBe('one')
  })

  test('AUT-07 what another process announces is heard', async () => {
    await using test = await createTestDb({ dialect })
    // An announcement alone is what the commit of another process looks like from here.
    const there = dialect === 'sqlite' ? test.db : await openDatabase(test.db.url, { migrations: 'verify' })
    const memory = await followed(test.db)
    const { promise: heard, resolve } = Promise.withResolvers<unknown>()
    await test.db.listen('iron_accounts', resolve)
    await there.write(async (tx) => tx.notify('iron_accounts', ''))
    await heard
    expect(memory.get('a', 0)).toBeUndefined()
    if (there !== test.db) await there.close()
  })

  test('a subscription that fails is no failure, and is tried again after a minute', async () => {
    await using test = await createTestDb({ dialect })
    let calls = 0
    const deaf = new Proxy(test.db, {
      get: (db, name) => {
        if (name === 'listen') return async () => Promise.reject(new Error(`deaf ${(calls += 1)}`))
        const value: unknown = Reflect.get(db, name)
        return typeof value === 'function' ? (value.bind(db) as unknown) : value
      },
    })
    const memory = new AccountMemory<string>(MAX_AGE_MS, 10)
    memory.follow(deaf)
    await new Promise(setImmediate)
    memory.follow(deaf)
    expect(calls).toBe(1)
    test.clock.advance(60_000)
    memory.follow(deaf)
    expect(calls).toBe(2)
    await new Promise(setImmediate)
    memory.reading('a', 0)('one')
    expect(memory.get('a', 0)).toBe('one')
  })

  test('0 follows nobody', async () => {
    await using test = await createTestDb({ dialect })
    const memory = new AccountMemory<string>(0, 10)
    await test.db.close()
    memory.follow(test.db)
    await new Promise(setImmediate)
    expect(memory.get('a', 0)).toBeUndefined()
  })
})
