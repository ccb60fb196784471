import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { manualClock } from '@iron/test-kit'
import { limitedServer } from '../src/server.ts'

let server: Server
const clock = manualClock()
beforeEach(async () => {
  server = limitedServer({ burst: 3, refillMs: 2_000, perMonth: 5, clock })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterEach(() => {
  server.close()
  server.closeAllConnections()
})

async function ask(client: string): Promise<[status: number, text: string, retryAfter: string | null]> {
  const headers = { 'X-Client': client }
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { headers })
  return [response.status, await response.text(), response.headers.get('retry-after')]
}

test('a client is slowed down alone, and waiting as told helps', async () => {
  for (let count = 0; count < 3; count += 1) expect((await ask('ann'))[0]).toBe(200)
  expect(await ask('ann')).toEqual([429, 'slower, please\n', '2'])
  expect((await ask('bob'))[0]).toBe(200)
  clock.advance(2_000)
  expect((await ask('ann'))[0]).toBe(200)
})

test('what the bucket refuses is not taken from the month', async () => {
  for (let count = 0; count < 3; count += 1) await ask('ann')
  for (let count = 0; count < 10; count += 1) expect((await ask('ann'))[1]).toBe('slower, please\n')
  clock.advance(6_000)
  for (let count = 0; count < 2; count += 1) expect((await ask('ann'))[0]).toBe(200)
  expect((await ask('ann')).slice(0, 2)).toEqual([429, 'nothing is left for this month\n'])
})
