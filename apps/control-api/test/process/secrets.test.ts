import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { HttpClient } from '../support/http-client.ts'
import { ADMIN, createAgent, createInstallation, expectStatus, startServer } from '../support/server-process.ts'

const API_KEY = 'sk-canary-9f8e7d6c5b4a-provider-key'
const WRONG_PASSWORD = 'canary-wrong-password-314159'

test('SEC-01 SEC-16 AUT-19 OPS-16 no key, password or token in clear: not in answers, logs, or any byte on disk', async () => {
  await using installation = await createInstallation('sqlite', { LOG_LEVEL: 'trace' })
  const answers: string[] = []
  let stderr: string
  let stdout: string
  const secrets: string[] = [API_KEY, ADMIN.password, WRONG_PASSWORD]
  {
    await using server = await startServer(installation)
    using client = new HttpClient(server.address)
    const agent = await createAgent(client, { allocatedUsd: 100, apiKey: API_KEY })
    const { access_token, refresh_token } = expectStatus(await client.post('/auth/login', ADMIN), 200).body as {
      access_token: string
      refresh_token: string
    }
    secrets.push(access_token, refresh_token, agent.icToken, agent.icToken.slice(3))
    const keep = (answer: { body: unknown }): void => void answers.push(JSON.stringify(answer.body))
    const handshake = expectStatus(await client.post('/budget/handshake', { requested_usd: 10 }, agent.runtime), 200)
    const { ip_token: ipToken, ...rest } = handshake.body as { ip_token: string }
    secrets.push(ipToken)
    keep({ body: rest })
    keep(await client.post('/auth/login', { email: ADMIN.email, password: WRONG_PASSWORD }))
    keep(await client.post('/providers/x/keys', { api_key: API_KEY }, agent.admin))
    keep(await client.post(`/providers/${agent.providerId}/keys`, { api_key: API_KEY }, agent.admin))
    keep(await client.post(`/providers/${agent.providerId}/keys`, { api_key: `${API_KEY} ` }, agent.admin))
    keep(await client.post('/auth/refresh', { refresh_token: `${refresh_token}x` }))
    keep(await client.post('/budget/report', { ic_token: agent.icToken, nonsense: 1 }))
    keep(await client.get(`/agents?token=${access_token}`, agent.admin))
    keep(await client.get(`/keys`, agent.admin))
    keep(await client.get(`/providers`, agent.admin))
    keep(await client.get(`/agents/${agent.agentId}`, agent.admin))
    keep(await client.request('GET', `/api/v1/${access_token}`))
    await server.process.stop()
    ;({ stderr, stdout } = server.process)
  }
  const folder = path.dirname(installation.place.url)
  const files = readdirSync(folder).map(
    (name) => [name, readFileSync(path.join(folder, name)).toString('latin1')] as const,
  )
  expect(files.map(([name]) => name)).toContain('test.db')
  const places = [...files, ['stderr', stderr], ['stdout', stdout], ['answers', answers.join('\n')]] as const
  expect(stderr.length).toBeGreaterThan(1_000)
  for (const [place, content] of places) {
    for (const [index, secret] of secrets.entries()) {
      expect([place, index, content.includes(secret)]).toEqual([place, index, false])
      expect([place, index, content.includes(Buffer.from(secret).toString('base64'))]).toEqual([place, index, false])
    }
  }
}, 60_000)
