import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { hashPassword } from '../src/index.ts'
import { isPasswordHash, verifyPassword } from '../src/passwords/hash-password.ts'
import { HASH_QUEUE_MAX } from '../src/passwords/hash-pool.ts'

const COST = 4

describe('hashPassword', () => {
  test('AUT-15 the default cost is 12 and stands in the hash', async () => {
    const { passwordHash } = await hashPassword('correct horse battery')
    expect(passwordHash).toMatch(/^\$2b\$12\$/)
    expect(await verifyPassword('correct horse battery', passwordHash, COST)).toBe(true)
  })

  test('AUT-15 passwords that differ only after byte 72 differ', async () => {
    const start = 'x'.repeat(100)
    const { passwordHash } = await hashPassword(`${start}a`, { cost: COST })
    expect(await verifyPassword(`${start}a`, passwordHash, COST)).toBe(true)
    expect(await verifyPassword(`${start}b`, passwordHash, COST)).toBe(false)
  })

  test('the same text in two Unicode forms is one password; two texts are two', async () => {
    const { passwordHash } = await hashPassword('crème brûlée'.normalize('NFD'), { cost: COST })
    expect(await verifyPassword('crème brûlée'.normalize('NFC'), passwordHash, COST)).toBe(true)
    expect(await verifyPassword('creme brulee', passwordHash, COST)).toBe(false)
  })

  test('two hashes of one password differ', async () => {
    const [a, b] = await Promise.all([
      hashPassword('same password', { cost: COST }),
      hashPassword('same password', { cost: COST }),
    ])
    expect(a).not.toEqual(b)
    expect(isPasswordHash(a)).toBe(true)
    expect(isPasswordHash({ passwordHash: 'same password' })).toBe(false)
  })

  test.each([
    ['7 characters', '1234567'],
    ['7 astral characters', '😀'.repeat(7)],
    ['1001 characters', 'x'.repeat(1_001)],
    ['a NUL', 'password\u0000'],
  ])('VAL-06 VAL-07 refuses %s', async (_, password) => {
    await expect(hashPassword(password, { cost: COST })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { password: expect.any(String) } },
    })
  })

  test('VAL-06 accepts 8 and 1000 characters, astral ones too', async () => {
    for (const password of ['12345678', '😀'.repeat(8), '😀'.repeat(1_000)]) {
      expect((await hashPassword(password, { cost: COST })).passwordHash).toMatch(/^\$2b\$04\$/)
    }
  })

  test('refuses a cost bcrypt does not know', async () => {
    await expect(hashPassword('12345678', { cost: 3 })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    await expect(hashPassword('12345678', { cost: 32 })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
  })

  test('the queue is bounded: what does not fit is refused at once, retryable, and the rest is served', async () => {
    const calls = Array.from({ length: HASH_QUEUE_MAX + 5 }, () => hashPassword('12345678', { cost: COST }))
    const settled = await Promise.allSettled(calls)
    const refused = settled.filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(5)
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'HASHING_BUSY', retryable: true })
    expect((await hashPassword('12345678', { cost: COST })).passwordHash).toMatch(/^\$2b\$04\$/)
  })

  test('AUT-16 eight hashes at once do not hold up the event loop', async () => {
    await hashPassword('12345678', { cost: COST })
    let longestMs = 0
    let last = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      longestMs = Math.max(longestMs, now - last)
      last = now
    }, 1)
    await Promise.all(Array.from({ length: 8 }, () => hashPassword('12345678', { cost: 11 })))
    clearInterval(timer)
    // In this thread the eight would hold it up for most of a second; the bound leaves room for a busy machine.
    expect(longestMs).toBeLessThan(400)
  })

  test('AUT-12 nobody has the hash that stands for an unknown user, and it takes the same work', async () => {
    const timeOf = async (hash: string | null): Promise<number> => {
      const times: number[] = []
      for (let round = 0; round < 3; round += 1) {
        const start = performance.now()
        await verifyPassword('correct horse battery', hash, 10)
        times.push(performance.now() - start)
      }
      return Math.min(...times)
    }
    const { passwordHash } = await hashPassword('another password', { cost: 10 })
    const [known, unknown] = [await timeOf(passwordHash), await timeOf(null)]
    expect(await verifyPassword('correct horse battery', null, COST)).toBe(false)
    expect(unknown).toBeGreaterThan(known / 3)
    expect(unknown).toBeLessThan(known * 3)
  })
})

describe('the hashing threads', () => {
  const run = async (code: string): Promise<string> => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      cwd: import.meta.dirname,
      timeout: 20_000,
    })
    return stdout
  }

  test('importing starts none, and idle ones do not keep a process alive', async () => {
    const output = await run(`
      import { hashPassword } from '@iron/token-manager'
      const before = process.getActiveResourcesInfo().includes('MessagePort')
      const { passwordHash } = await hashPassword('12345678', { cost: 4 })
      console.log(before, passwordHash.slice(0, 7))`)
    expect(output).toBe('false $2b$04$\n')
  })
})
