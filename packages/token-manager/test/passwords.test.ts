import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { hashPassword, passwordQueue } from '../src/index.ts'
import { costOf, fillingCosts, isPasswordHash, verifyPassword } from '../src/passwords/hash-password.ts'
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

  test('the queue tells how full it is and how much it has worked', async () => {
    const before = passwordQueue()
    expect(before).toEqual({ pending: 0, pendingMax: HASH_QUEUE_MAX, rounds: expect.any(Number) })
    const calls = Array.from({ length: 7 }, () => hashPassword('12345678', { cost: COST }))
    expect(passwordQueue().pending).toBe(7)
    const [{ passwordHash }] = (await Promise.all(calls)) as [{ passwordHash: string }]
    await verifyPassword('12345678', passwordHash, COST)
    expect(passwordQueue()).toEqual({ ...before, rounds: before.rounds + 8 * 2 ** COST })
  })

  test.each([
    ['hashed', (hash: string) => hashPassword(hash, { cost: 9 })],
    ['compared', (hash: string) => verifyPassword('12345678', hash, 9)],
  ])('AUT-16 while sixteen passwords are %s the event loop is idle', async (_, work) => {
    const { passwordHash } = await hashPassword('12345678', { cost: 9 })
    const before = performance.eventLoopUtilization()
    await Promise.all(Array.from({ length: 16 }, () => work(passwordHash)))
    // In this thread they would keep it busy all the time: no figure of a clock, hence sound on a busy machine.
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5)
  })

  test('AUT-12 what fills up a cheap hash makes exactly the work of a dear one', () => {
    for (let done = 4; done <= 16; done += 1) {
      for (let wanted = 4; wanted <= 16; wanted += 1) {
        const fillers = fillingCosts(done, wanted)
        const rounds = fillers.reduce((sum, cost) => sum + 2 ** cost, 2 ** done)
        expect(rounds).toBe(2 ** Math.max(done, wanted))
        for (const cost of fillers) expect(cost).toBeGreaterThanOrEqual(4)
      }
    }
  })

  test('AUT-12 a hash that is none, or of a cost nobody can afford, matches nothing and costs what is asked', async () => {
    const impossible = ['', 'plain text', '$2b$03$', '$2b$32$', '$2b$99$', '$1b$12$'].map(
      (start) => start + '.'.repeat(53),
    )
    for (const hash of impossible) {
      expect(costOf(hash)).toBe(0)
      expect(isPasswordHash({ passwordHash: hash })).toBe(false)
      const before = passwordQueue().rounds
      expect(await verifyPassword('correct horse battery', hash, COST)).toBe(false)
      expect(passwordQueue().rounds - before).toBe(2 ** COST)
    }
    expect(costOf((await hashPassword('12345678', { cost: COST })).passwordHash)).toBe(COST)
  })

  test('AUT-12 nobody has the hash that stands for an unknown user, and it takes the same work', async () => {
    const { passwordHash } = await hashPassword('another password', { cost: 10 })
    // Of all threads: the time that a busy machine lets pass says nothing about the work.
    const work = async (hash: string | null): Promise<number> => {
      const before = process.cpuUsage()
      await verifyPassword('correct horse battery', hash, 10)
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    const rounds: { readonly known: number; readonly unknown: number }[] = []
    for (let round = 0; round < 5; round += 1) {
      rounds.push({ known: await work(passwordHash), unknown: await work(null) })
    }
    const known = Math.min(...rounds.map((round) => round.known))
    const unknown = Math.min(...rounds.map((round) => round.unknown))
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
