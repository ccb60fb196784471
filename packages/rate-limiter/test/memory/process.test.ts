import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'

const packageRoot = fileURLToPath(new URL('../..', import.meta.url))

/** Runs a program that imports the package, and reads the JSON it prints. */
async function run(program: string): Promise<Record<string, number>> {
  const flags = ['--conditions=@iron/source', '--disable-warning=ExperimentalWarning', '--expose-gc']
  const args = [...flags, '--input-type=module-typescript', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: packageRoot, timeout: 60_000 })
  return JSON.parse(stdout) as Record<string, number>
}

const PROLOGUE = `
import { MemoryRateLimitStore, RateLimiter } from '@iron/rate-limiter'
const bytes = () => { for (let i = 0; i < 4; i += 1) gc(); const { heapUsed, arrayBuffers } = process.memoryUsage(); return heapUsed + arrayBuffers }
`

describe('LIM-06 a million distinct keys', () => {
  test('take less than 80 bytes each besides their text, and give it back', async () => {
    const { held, left, size, sizeLeft } = await run(`${PROLOGUE}
      const count = 1_000_000
      const keys = Array.from({ length: count }, (_, i) => Buffer.from('user-' + i, 'latin1').toString('latin1'))
      let now = 1_700_000_000_000
      const store = new MemoryRateLimitStore({ maxKeys: 2_000_000 })
      const limiter = new RateLimiter({ capacity: 10, refill: 10, intervalMs: 60_000, store, clock: { now: () => now } })
      const before = bytes()
      for (const key of keys) limiter.consumeSync(key)
      const held = (bytes() - before) / count
      const size = store.size
      now += 3_600_000
      for (let i = 0; i < 3_000_000; i += 1) limiter.consumeSync('busy')
      const left = (bytes() - before) / count
      // Printed, so that nothing is collected before it was measured.
      console.log(JSON.stringify({ held, left, size, sizeLeft: store.size, keys: keys.length }))
    `)
    expect(size).toBe(1_000_000)
    expect(sizeLeft).toBe(1)
    expect(held).toBeLessThan(80)
    expect(left).toBeLessThan(5)
  })

  test('take no more than 100,000 do by default', async () => {
    const { size, megabytes } = await run(`${PROLOGUE}
      const store = new MemoryRateLimitStore()
      const limiter = new RateLimiter({ capacity: 10, refill: 10, intervalMs: 3_600_000, store })
      const before = bytes()
      for (let i = 0; i < 1_000_000; i += 1) limiter.consumeSync('user-' + i)
      const megabytes = (bytes() - before) / 1e6
      console.log(JSON.stringify({ size: store.size, megabytes }))
    `)
    expect(size).toBe(100_000)
    expect(megabytes).toBeLessThan(20)
  })
})

test('a store that never answers keeps no process alive', async () => {
  const { isPending } = await run(`
    import { RateLimiter } from '@iron/rate-limiter'
    const store = { apply: () => new Promise(() => {}), delete: () => new Promise(() => {}) }
    let isPending = 1
    void new RateLimiter(1, { store, storeTimeoutMs: 60_000 }).check('a').then(() => { isPending = 0 })
    process.on('exit', () => console.log(JSON.stringify({ isPending })))
  `)
  expect(isPending).toBe(1)
})

test('importing, making and using limiters starts nothing: no timer, and the process ends by itself', async () => {
  const { timers } = await run(`
    import { consumeAll, MemoryRateLimitStore, QuotaLimiter, RateLimiter } from '@iron/rate-limiter'
    import '@iron/rate-limiter/express'
    import { RedisRateLimitStore } from '@iron/rate-limiter/redis'
    const store = new MemoryRateLimitStore()
    const limiter = new RateLimiter(100, { store })
    const quota = new QuotaLimiter({ limit: 5, window: 'day', store })
    await consumeAll([{ limiter, key: 'a' }, { limiter: quota, key: 'a' }])
    const remote = new RateLimiter(100, { store: new RedisRateLimitStore({ sendCommand: async () => [1, 0, 0] }) })
    await remote.check('a')
    const timers = process.getActiveResourcesInfo().filter((name) => name.includes('Time') || name.includes('Immediate'))
    console.log(JSON.stringify({ timers: timers.length }))
  `)
  expect(timers).toBe(0)
})
