import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from '@jest/globals'
import type { Answer } from '../support/http-client.ts'
import { HttpClient } from '../support/http-client.ts'
import { ADMIN, createInstallation, expectStatus, startServer } from '../support/server-process.ts'

const SCRAPE = { Authorization: 'Bearer scrape-token-of-the-test-0123456789' }
/** A hundred a second, for ten seconds. */
const LOGINS = 1_000
const EVERY_MS = 10

interface Flood {
  readonly logins: readonly Answer[]
  /** Of `GET /auth/me` meanwhile: statuses and milliseconds. */
  readonly others: readonly { readonly status: number; readonly ms: number }[]
  /** 99th percentile of the event loop's delay, in milliseconds, as the server measured it. */
  readonly loopDelayMs: number
  /** The same of a thread that does nothing: how late this machine wakes anybody. */
  readonly idleDelayMs: number
}

/** The most that logins may add to the event loop's delay, in milliseconds (AUT-16). A hash on it would add a quarter of a second. */
const LOOP_DELAY_MAX_MS = 50

const IDLE_THREAD = `
  const { monitorEventLoopDelay } = require('node:perf_hooks')
  const { parentPort } = require('node:worker_threads')
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  parentPort.on('message', () => parentPort.postMessage(delay.percentile(99) / 1e6))`

async function flood(env: Record<string, string>): Promise<Flood> {
  await using installation = await createInstallation('sqlite', {
    IRON_METRICS_TOKEN: SCRAPE.Authorization.slice('Bearer '.length),
    ...env,
  })
  await using server = await startServer(installation, { passwords: 'real' })
  using attacker = new HttpClient(server.address, { connections: 200 })
  using client = new HttpClient(server.address, { connections: 4 })
  const login = expectStatus(await client.post('/auth/login', ADMIN), 200)
  const admin = { Authorization: `Bearer ${String(login.body.access_token)}` }
  // The figure covers the time since the last reading.
  await client.get('/metrics', SCRAPE)
  const idle = new Worker(IDLE_THREAD, { eval: true, execArgv: [] })

  const logins: Promise<Answer>[] = []
  const others: { status: number; ms: number }[] = []
  const began = performance.now()
  for (let index = 0; index < LOGINS; index += 1) {
    logins.push(attacker.post('/auth/login', { email: ADMIN.email, password: 'not the password' }))
    if (index % 5 === 0) {
      const at = performance.now()
      void client.get('/auth/me', admin).then(({ status }) => others.push({ status, ms: performance.now() - at }))
    }
    await pause(Math.max(0, began + index * EVERY_MS - performance.now()))
  }
  const { body } = expectStatus(await client.get('/metrics', SCRAPE), 200)
  const seconds = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(String(body))?.[1]
  idle.postMessage('read')
  const [idleDelayMs] = (await once(idle, 'message')) as [number]
  await idle.terminate()
  return { logins: await Promise.all(logins), others, loopDelayMs: Number(seconds) * 1_000, idleDelayMs }
}

const count = (answers: readonly Answer[], status: number): number =>
  answers.filter((answer) => answer.status === status).length

describe('AUT-13 AUT-14 AUT-16 a hundred wrong logins a second for ten seconds', () => {
  test('by default: five are looked at, every other is 429; all else goes on', async () => {
    const { logins, others, loopDelayMs, idleDelayMs } = await flood({
      IRON_RATE_LIMIT_LOGIN: '5/300',
      IRON_RATE_LIMIT_LOGIN_EMAIL: '15/300',
      IRON_RATE_LIMIT_AUTHFAIL: '60/60',
    })
    // The login of the test itself was the first of the five.
    expect([count(logins, 401), count(logins, 429)]).toEqual([4, LOGINS - 4])
    expect(others.every(({ status }) => status === 200)).toBe(true)
    expect(others.length).toBeGreaterThan(150)
    expect(loopDelayMs).toBeLessThan(LOOP_DELAY_MAX_MS + idleDelayMs)
  }, 180_000)

  test('without these limits: ten failures lock, a full queue says 503, and nothing stalls', async () => {
    const { logins, others, loopDelayMs, idleDelayMs } = await flood({})
    const locked = logins.filter(({ body }) => body.code === 'ACCOUNT_LOCKED')
    const busy = logins.filter(({ status }) => status === 503)
    // Those that were being compared when the tenth failure was counted are told of the lock, too.
    expect(count(logins, 401)).toBe(10)
    expect(locked.length + busy.length).toBe(LOGINS - 10)
    expect(locked.length).toBeGreaterThan(0)
    for (const answer of [...locked, ...busy]) expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(others.every(({ status }) => status === 200)).toBe(true)
    expect(loopDelayMs).toBeLessThan(LOOP_DELAY_MAX_MS + idleDelayMs)
  }, 180_000)
})
