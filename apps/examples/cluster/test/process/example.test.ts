import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { postgresForTests, redisForTests, startProcess } from '@iron/test-kit'

const main = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'src', 'main.ts')
const present = (await postgresForTests()) !== undefined && (await redisForTests()) !== undefined
const maybe = present ? test : test.skip

maybe(
  'the example starts, serves a session through the balancer, outlives a process that is killed, and stops',
  async () => {
    await using example = await startProcess(process.execPath, [main, '--port', '0', '--sources'], {
      ready: /iron cluster listening on (http:\/\/\S+)/,
      env: { NODE_OPTIONS: undefined },
      timeoutMs: 120_000,
    })
    const call = async (path: string, headers: Record<string, string>, body?: unknown) => {
      const response = await fetch(`${example.ready[1]!}/api/v1${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'Content-Type': 'application/json', Connection: 'close', ...headers },
        body: body === undefined ? null : JSON.stringify(body),
      })
      // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look at any part of any answer
      const answer = (await response.json()) as any
      if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`)
      return answer
    }
    await example.waitFor(/Ctrl-C stops everything/)
    const [, email, password] = /"email":"([^"]+)","password":"([^"]+)"/.exec(example.stdout)!
    const login = await call('/auth/login', {}, { email, password })
    const admin = { Authorization: `Bearer ${login.access_token}` }
    const catalogue = { name: 'openai-main', kind: 'openai', base_url: 'https://api.openai.com/v1', models: ['gpt-4o'] }
    const provider = await call('/providers', admin, catalogue)
    await call(`/providers/${provider.id}/keys`, admin, { api_key: 'sk-demo-0123456789abcdef' })
    const agent = await call('/agents', admin, { name: 'bot', provider_ids: [provider.id], allocated_usd: 100 })
    const runtime = { 'X-IC-Token': agent.ic_token.token as string }
    const lease = await call('/budget/handshake', runtime, { requested_usd: 10 })
    const report = { lease_id: lease.lease_id, request_id: 'call-1', model: 'gpt-4o', cost_usd: 3 }
    expect(await call('/budget/report', runtime, report)).toMatchObject({ budget: { spent_usd: 3, reserved_usd: 7 } })

    const [, pid] = /\(process (\d+)\)/.exec(example.stdout)!
    process.kill(Number(pid), 'SIGKILL')
    expect(await call('/budget/report', runtime, report)).toMatchObject({ duplicate: true })
    const next = await call('/budget/refresh', runtime, { lease_id: lease.lease_id, requested_usd: 20 })
    await call('/budget/return', runtime, { lease_id: next.lease_id, spent_usd: 0 })
    expect((await call('/budget', runtime)).summary).toMatchObject({ spent_usd: 3, reserved_usd: 0, remaining_usd: 97 })

    expect(await example.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
  },
  240_000,
)
