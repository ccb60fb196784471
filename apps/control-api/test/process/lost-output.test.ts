/** What commands do when what they print cannot be written: the reader is gone, or the disk is full. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createTestPlace, type TestPlace } from '@iron/database/testing'
import { startApi } from '../support/api.ts'
import { createAgent, expectStatus, mainProgram } from '../support/server-process.ts'
import { iron } from './iron.ts'

let place: TestPlace
beforeAll(async () => {
  place = await createTestPlace('sqlite')
  expect(await iron({ DATABASE_URL: place.url }, ['migrate', 'up'])).toMatchObject({ code: '0' })
}, 30_000)
afterAll(() => place.remove())

function start(args: readonly string[], stdout: 'pipe' | number, env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, ['--conditions=@iron/source', mainProgram, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', stdout, 'pipe'],
  })
}

async function ended(child: ChildProcess): Promise<Record<'code' | 'err', string>> {
  const [err, [code]] = await Promise.all([text(child.stderr as NodeJS.ReadableStream), once(child, 'close')])
  return { code: String(code), err }
}

test.each([['verify', '--json'], ['migrate', 'status'], ['vault', 'generate'], ['audit', 'export'], ['--help']])(
  'iron %s %s whose reader is gone ends like one that was read',
  async (...args) => {
    const child = start(args, 'pipe', { DATABASE_URL: place.url })
    child.stdout?.destroy()
    const { code, err } = await ended(child)
    expect(err).not.toMatch(/Error|EPIPE|node:/)
    expect(code).toBe('0')
  },
  30_000,
)

test.each([
  ['verify', '--json'],
  ['vault', 'generate'],
  ['migrate', 'up'],
])(
  'iron %s %s on a full disk says so, once, with exit code 1',
  async (...args) => {
    const child = start(args, openSync('/dev/full', 'w'), { DATABASE_URL: place.url })
    expect(await ended(child)).toEqual({ code: '1', err: expect.stringMatching(/^iron: ENOSPC: [^\n]*\n$/) })
  },
  30_000,
)

test('iron watch ends when nobody reads it any more', async () => {
  await using api = await startApi()
  const agent = await createAgent(api.client, { allocatedUsd: 100 })
  const { token } = expectStatus(await api.client.post('/tokens', { name: 'watch' }, agent.admin), 201).body
  const lend = async (): Promise<void> => {
    expectStatus(await api.client.post('/budget/reserve', { requested_usd: 1 }, agent.runtime), 200)
  }
  await lend()
  const child = start(['watch', '--since', '0'], 'pipe', { IRON_URL: api.address, IRON_TOKEN: String(token) })
  const end = ended(child)
  await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')
  child.stdout?.destroy()
  await lend()
  expect(await end).toEqual({ code: '0', err: '' })
}, 60_000)
