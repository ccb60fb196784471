/** The commands that talk to a server with an API token: what they print, and what they say when they may not. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApi, type TestApi } from '../support/api.ts'
import { createAgent, expectStatus, mainProgram, type TestAgent } from '../support/server-process.ts'
import { iron } from './iron.ts'

let api: TestApi
let agent: TestAgent
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  api = await startApi()
  agent = await createAgent(api.client, { allocatedUsd: 100 })
  const made = expectStatus(await api.client.post('/tokens', { name: 'for the terminal' }, agent.admin), 201)
  env = { IRON_URL: api.address, IRON_TOKEN: String(made.body.token) }
  const lease = expectStatus(await api.client.post('/budget/handshake', { requested_usd: 10 }, agent.runtime), 200)
  const call = { lease_id: lease.body.lease_id as string, request_id: 'call-1', model: 'gpt-4o', cost_usd: 2.5 }
  expectStatus(await api.client.post('/budget/report', call, agent.runtime), 200)
}, 60_000)

afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

test('lists, one thing and a ledger, as text and as JSON', async () => {
  const [list, show, tokens, budget, ledger, top] = await Promise.all([
    iron(env, ['agents', 'list']),
    iron(env, ['agents', 'show', agent.agentId, '--json']),
    iron(env, ['tokens', 'list', '--json']),
    iron(env, ['budget', 'show', agent.agentId]),
    iron(env, ['budget', 'ledger', agent.agentId, '--limit', '2']),
    iron(env, ['top']),
  ])
  expect(list).toMatchObject({ code: '0', err: '' })
  expect(list.out).toMatch(
    /^ID +NAME +STATE +ALLOCATED +SPENT +REMAINING\nagent_\S+ +test-agent +idle +100\.00 +2\.50 +90\.00\n$/,
  )
  expect(JSON.parse(show.out)).toMatchObject({ id: agent.agentId, name: 'test-agent', status: 'active' })
  expect(JSON.parse(tokens.out)).toMatchObject([{ name: 'for the terminal', status: 'active' }])
  expect(budget.out).toMatch(/^spent_usd +2\.5$/m)
  expect(ledger.out).toMatch(/^SEQ .*\n +3 .* spend +2\.50 .* call-1\n +2 .* grant +10\.00 .*\n$/)
  expect(top.out).toMatch(
    /^1 agents, 100\.00 USD allocated, 2\.50 spent, 7\.50 reserved\n\nAGENT .*\ntest-agent .* 2\.50 +2\.5% /,
  )
}, 60_000)

test('a refusal says what to do, with exit code 1; what cannot be asked is wrong use', async () => {
  const wrong = { ...env, IRON_TOKEN: 'at_wrong' }
  const elsewhere = { ...env, IRON_URL: 'http://127.0.0.1:64999' }
  const [stranger, missing, unreachable, watching, without, address, runtime] = await Promise.all([
    iron(wrong, ['agents', 'list']),
    iron(env, ['agents', 'show', 'agent_01900000-0000-7000-8000-000000000000']),
    iron(elsewhere, ['budget', 'show', agent.agentId]),
    iron(elsewhere, ['watch']),
    iron({ IRON_URL: api.address }, ['top']),
    iron(env, ['top', '--url', 'ftp://x']),
    iron({ ...env, IRON_TOKEN: agent.icToken }, ['tokens', 'list']),
  ])
  expect(stranger).toMatchObject({ code: '1', out: '', err: expect.stringContaining('not, or no longer, accepted') })
  expect(missing).toMatchObject({ code: '1', err: expect.stringContaining('belongs to somebody else') })
  expect(unreachable).toMatchObject({ code: '1', err: expect.stringContaining('cannot be reached (ECONNREFUSED)') })
  expect(watching).toMatchObject({ code: '1', err: expect.stringContaining('cannot be reached') })
  expect(without).toMatchObject({ code: '2', err: expect.stringContaining('set IRON_TOKEN') })
  expect(address).toMatchObject({ code: '2', err: expect.stringContaining('--url must be') })
  expect(runtime).toMatchObject({ code: '1', err: expect.stringMatching(/401|403/) })
}, 60_000)

test('what a server refuses to say or to follow is told with its reason', async () => {
  const narrow = { name: 'narrow', scopes: ['agents:read'] }
  const made = expectStatus(await api.client.post('/tokens', narrow, agent.admin), 201)
  const [stranger, forbidden, types, ledger, path] = await Promise.all([
    iron({ ...env, IRON_TOKEN: 'at_wrong' }, ['watch']),
    iron({ ...env, IRON_TOKEN: String(made.body.token) }, ['watch']),
    iron(env, ['watch', '--types', 'lease.*,nothing.*']),
    iron(env, ['budget', 'ledger', agent.agentId, '--lease', 'nothing']),
    iron({ ...env, IRON_URL: `${api.address}/api/v1` }, ['agents', 'list']),
  ])
  expect(stranger).toMatchObject({ code: '1', err: expect.stringMatching(/401 UNAUTHORIZED.*not, or no longer/) })
  expect(forbidden).toMatchObject({ code: '1', err: expect.stringMatching(/403 FORBIDDEN.*may not do this/) })
  expect(types).toMatchObject({
    code: '2',
    out: '',
    err: expect.stringContaining('types[1] must be one of agent.started'),
  })
  expect(ledger).toMatchObject({ code: '2', out: '', err: expect.stringContaining('query.lease_id ') })
  expect(path).toMatchObject({ code: '1', err: expect.stringContaining('is IRON_URL right?') })
}, 60_000)

test('watch shows events once and in order, also those from before it began, and only what was asked for', async () => {
  const child = spawn(
    process.execPath,
    ['--conditions=@iron/source', mainProgram, 'watch', '--json', '--types', 'lease.*', '--since', '0', '--count', '3'],
    { env: { ...process.env, ...env, NODE_OPTIONS: '' } },
  )
  const closed = once(child, 'close')
  const seen: { seq: number; type: string }[] = []
  for await (const line of createInterface(child.stdout)) {
    seen.push(JSON.parse(line) as { seq: number; type: string })
    if (seen.length > 1) continue
    const lease = expectStatus(await api.client.post('/budget/reserve', { requested_usd: 1 }, agent.runtime), 200)
    expectStatus(
      await api.client.post('/budget/return', { lease_id: lease.body.lease_id as string }, agent.runtime),
      200,
    )
  }
  expect((await closed)[0]).toBe(0)
  expect(seen.map(({ type }) => type)).toEqual(['lease.granted', 'lease.granted', 'lease.closed'])
  expect(seen.map(({ seq }) => seq)).toEqual(seen.map(({ seq }) => seq).sort((a, b) => a - b))
}, 60_000)
