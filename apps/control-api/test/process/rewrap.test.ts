/**
 * SEC-18, SEC-19: a master key is replaced while agents work: both keys configured, every provider key sealed anew beside the
 * running server, the old key removed.
 */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { createTestPlace, enginesForTests } from '@iron/database/testing'
import { openIpToken } from '@iron/ip-token-crypto'
import { startApi, type TestApi } from '../support/api.ts'
import type { HttpClient } from '../support/http-client.ts'
import { createAgent, expectStatus, type TestAgent } from '../support/server-process.ts'
import { iron } from './iron.ts'

const PROVIDERS = 7
const secret = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`

/** An agent and the key that its handshakes must open to. */
interface Keyed {
  readonly agent: TestAgent
  readonly apiKey: string
}

/** Every agent borrows, opens its key and gives back. */
async function handshakes(client: HttpClient, agents: readonly Keyed[]): Promise<void> {
  await Promise.all(
    agents.map(async ({ agent, apiKey }) => {
      const { agentId, icToken, providerId, runtime } = agent
      const { body } = expectStatus(await client.post('/budget/handshake', { requested_usd: 0.01 }, runtime), 200)
      const leaseId = String(body.lease_id)
      expect(openIpToken(String(body.ip_token), { icToken, agentId, providerId, leaseId })).toBe(apiKey)
      expectStatus(await client.post('/budget/return', { lease_id: leaseId }, runtime), 200)
    }),
  )
}

/** Whether the server is ready, and what it says of its vault. */
async function vaultOf({ client }: TestApi): Promise<readonly unknown[]> {
  const { status, body } = await client.get('/ready')
  const { checks } = (status === 200 ? body : (body as { details: unknown }).details) as { checks: { vault: string } }
  return [status, checks.vault]
}

describe.each(await enginesForTests())('iron vault rewrap on %s', (dialect) => {
  test('SEC-18 SEC-19 SEC-20 the whole rotation of a master key, under load', async () => {
    const [oldKey, newKey] = [secret('m1'), secret('m2')]
    const place = await createTestPlace(dialect)
    await using cleanUp = new AsyncDisposableStack()
    cleanUp.defer(() => place.remove())
    const [jwtSecret, icTokenSecret] = [secret('k1'), secret('k1')]
    const serverWith = (masterKeys: string): Promise<TestApi> =>
      startApi({ databaseUrl: place.url, jwtSecret, icTokenSecret, masterKeys })
    const rewrap = (masterKeys: string, ...options: string[]): ReturnType<typeof iron> =>
      iron(
        {
          DATABASE_URL: place.url,
          JWT_SECRET: jwtSecret,
          IC_TOKEN_SECRET: icTokenSecret,
          IRON_MASTER_KEYS: masterKeys,
        },
        ['vault', 'rewrap', ...options],
      )

    const agents: Keyed[] = []
    {
      await using server = await serverWith(oldKey)
      for (let index = 0; index < PROVIDERS; index += 1) {
        const apiKey = `sk-${randomBytes(12).toString('hex')}`
        agents.push({ agent: await createAgent(server.client, { allocatedUsd: 100, apiKey }), apiKey })
      }
      await handshakes(server.client, agents)
    }
    const [{ agent }] = agents as [Keyed]
    {
      // The old key was taken away too early: nothing opens, and readiness and the command say so.
      await using server = await serverWith(newKey)
      expect(await vaultOf(server)).toEqual([503, 'failed'])
      const refused = await server.client.post('/budget/handshake', {}, agent.runtime)
      expect([refused.status, refused.body.code]).toEqual([503, 'CRYPTO_UNAVAILABLE'])
      const early = await rewrap(newKey)
      expect([early.code, early.out]).toEqual(['1', ''])
      expect(early.err).toContain('IRON_MASTER_KEYS does not hold m1')
    }
    {
      await using server = await serverWith(`${newKey},${oldKey}`)
      expect(await vaultOf(server)).toEqual([200, 'ok'])
      // Rounds of handshakes that ended while the command still ran; a busy machine manages few.
      const roundEndsMs: number[] = []
      let commandEndMs = 0
      const over = new AbortController()
      const load = async (): Promise<void> => {
        while (!over.signal.aborted) {
          await handshakes(server.client, agents)
          roundEndsMs.push(performance.now())
        }
      }
      const [rewrapped] = await Promise.all([
        rewrap(`${newKey},${oldKey}`, '--batch', '3').finally(() => {
          commandEndMs = performance.now()
          over.abort()
        }),
        load(),
      ])
      expect(rewrapped).toEqual({
        code: '0',
        out: 'rewrapped 3, 4 left\nrewrapped 3, 1 left\nrewrapped 1, 0 left\nmaster keys in use: m2\n',
        err: '',
      })
      expect(roundEndsMs.filter((ms) => ms < commandEndMs).length).toBeGreaterThan(0)
      const audit = await server.client.get('/audit?operation=VAULT_REWRAPPED&order=asc', agent.admin)
      const entries = expectStatus(audit, 200).body.data as { metadata: unknown; actor: { id: string } }[]
      expect(entries.map(({ actor, metadata }) => [actor.id, metadata])).toEqual([
        ['system:vault', { to: 'm2', rewrapped: 3, left: 4 }],
        ['system:vault', { to: 'm2', rewrapped: 3, left: 1 }],
        ['system:vault', { to: 'm2', rewrapped: 1, left: 0 }],
      ])
    }
    await using server = await serverWith(newKey)
    expect(await vaultOf(server)).toEqual([200, 'ok'])
    await handshakes(server.client, agents)
  }, 120_000)
})
