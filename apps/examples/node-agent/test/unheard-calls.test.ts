/** Calls whose usage nobody told: a connection that is cut, an answer without usage, a refusal. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { CostCalculator, toUsd } from '@iron/cost-calculator'
import { sealIpToken } from '@iron/ip-token-crypto'
import type { CallReport } from '../src/iron-api.ts'
import { AgentRuntime } from '../src/runtime.ts'

const IC_TOKEN = 'ic_token-of-the-test'
const REQUEST = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 100 } as const
const WORST_USD = toUsd(new CostCalculator().estimate(REQUEST).amount)
const ids = { agentId: 'agent-1', leaseId: 'lease-1', providerId: 'prov-1' }

let answerChat: (response: ServerResponse) => void
let reported: CallReport[] = []
let address: string
let journal: string

/** Iron and the provider in one. */
const server = createServer((request, response) => {
  void bodyOf(request).then((body) => {
    const { port } = server.address() as AddressInfo
    const grant = {
      ...{ lease_id: ids.leaseId, agent_id: ids.agentId, granted_usd: 1, ttl_seconds: 3_600 },
      provider: { id: ids.providerId, base_url: `http://127.0.0.1:${port}/provider` },
      ip_token: sealIpToken('sk-test', { icToken: IC_TOKEN, ...ids }),
    }
    switch (request.url) {
      case '/provider/chat/completions':
        answerChat(response)
        return
      case '/api/v1/budget/handshake':
        response.end(JSON.stringify(grant))
        return
      case '/api/v1/budget/report/batch': {
        const { reports } = JSON.parse(body) as { reports: CallReport[] }
        reported.push(...reports)
        const results = reports.map(({ request_id: id }) => ({ request_id: id, status: 'recorded' }))
        response.end(JSON.stringify({ results }))
        return
      }
      default:
        response.end('{}')
    }
  })
})

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request) text += String(part)
  return text
}

beforeAll(async () => {
  journal = await mkdtemp(path.join(tmpdir(), 'iron-test-'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve))
  await rm(journal, { recursive: true })
})

test.each<[title: string, answer: typeof answerChat, toldUsd: number[]]>([
  [
    'a stream that is cut costs its hold',
    (response) => {
      response.writeHead(200, { 'Content-Length': 1_000 }).write('{"choices":[')
      response.destroy()
    },
    [WORST_USD],
  ],
  ['an answer without usage costs its hold', (response) => void response.end('{"choices":[]}'), [WORST_USD]],
  ['a refusal costs nothing', (response) => void response.writeHead(429).end(), []],
])('MON-30 %s', async (_, answer, toldUsd) => {
  answerChat = answer
  reported = []
  const agent = new AgentRuntime({ address, icToken: IC_TOKEN, journal, leaseUsd: 1 })
  await expect(agent.call(REQUEST)).rejects.toThrow()
  expect(agent.status.spentUsd).toBe(toldUsd[0] ?? 0)
  await agent.stop()
  expect(reported.map(({ outcome, cost_usd: usd }) => [outcome, usd])).toEqual(toldUsd.map((usd) => ['failed', usd]))
})
