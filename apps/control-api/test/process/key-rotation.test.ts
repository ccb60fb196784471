/** SEC-24, SEC-25: a provider's key is replaced without pause while agents handshake, report, refresh and return. */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { openIpToken } from '@iron/ip-token-crypto'
import { type Answer, HttpClient } from '../support/http-client.ts'
import { createAgent, createInstallation, expectStatus, startServer } from '../support/server-process.ts'

const CLIENTS = 20
const ROUNDS = 5
const ADMINS = 2

type Headers = Readonly<Record<string, string>>

/** A key from the request that set it to the answer to the one that replaced it: it was never active outside of that. */
interface Reign {
  readonly id: string
  readonly apiKey: string
  readonly retiredKeyId: string | null
  readonly fromMs: number
  readonly answeredMs: number
}

/** A key that a runtime was given, and the span of the request that gave it. */
interface Disclosure {
  readonly requestId: string
  readonly agentId: string
  readonly purpose: 'handshake' | 'refresh'
  readonly apiKey: string
  readonly fromMs: number
  readonly untilMs: number
}

/** An agent's runtime. */
interface Runtime {
  readonly agentId: string
  readonly providerId: string
  readonly icToken: string
}

const newKey = (): string => `sk-${randomBytes(12).toString('hex')}`

/** One admin: a new key as soon as the last one is answered. */
async function rotate(
  client: HttpClient,
  about: { readonly providerId: string; readonly admin: Headers },
  isOver: () => boolean,
): Promise<Reign[]> {
  const reigns: Reign[] = []
  while (!isOver()) {
    const apiKey = newKey()
    const fromMs = performance.now()
    const answer = await client.post(`/providers/${about.providerId}/keys/rotate`, { api_key: apiKey }, about.admin)
    const { id, retired_key_id: retiredKeyId } = expectStatus(answer, 200).body as Record<string, string>
    const answeredMs = performance.now()
    reigns.push({ id: id ?? '', apiKey, retiredKeyId: retiredKeyId ?? null, fromMs, answeredMs })
  }
  return reigns
}

/** One runtime's rounds: each is given a key twice. */
async function borrow(client: HttpClient, runtime: Runtime): Promise<Disclosure[]> {
  const { agentId, providerId, icToken } = runtime
  const headers = { 'X-IC-Token': icToken }
  const disclosures: Disclosure[] = []
  const grant = async (purpose: Disclosure['purpose'], body: object): Promise<string> => {
    const fromMs = performance.now()
    const answer = expectStatus(await client.post(`/budget/${purpose}`, { requested_usd: 1, ...body }, headers), 200)
    const untilMs = performance.now()
    const leaseId = String(answer.body.lease_id)
    const apiKey = openIpToken(String(answer.body.ip_token), { icToken, agentId, providerId, leaseId })
    disclosures.push({ requestId: requestIdOf(answer), agentId, purpose, apiKey, fromMs, untilMs })
    return leaseId
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    const leaseId = await grant('handshake', {})
    const report = { lease_id: leaseId, request_id: `call-${String(round)}`, model: 'gpt-4o', cost_usd: 0.25 }
    expectStatus(await client.post('/budget/report', report, headers), 200)
    const next = await grant('refresh', { lease_id: leaseId })
    expectStatus(await client.post('/budget/return', { lease_id: next }, headers), 200)
  }
  return disclosures
}

const requestIdOf = ({ headers }: Answer): string => String(headers['x-request-id'])

describe.each(await enginesForTests())('SEC-24 SEC-25 keys rotate under load on %s', (dialect) => {
  test('no grant fails, each hands over a key that was active meanwhile, and the log says which', async () => {
    await using installation = await createInstallation(dialect)
    await using server = await startServer(installation)
    using client = new HttpClient(server.address, { connections: CLIENTS + ADMINS })
    const apiKey = newKey()
    const { providerId, admin } = await createAgent(client, { allocatedUsd: 1, apiKey })
    const keysNow = async (status: string): Promise<readonly { readonly id: string }[]> => {
      const path = `/providers/${providerId}/keys?status=${status}&per_page=1`
      return expectStatus(await client.get(path, admin), 200).body.data as { id: string }[]
    }
    const [first] = await keysNow('active')
    const runtimes: Runtime[] = []
    for (let index = 0; index < CLIENTS; index += 1) {
      const body = { name: `runtime-${String(index)}`, provider_ids: [providerId], allocated_usd: 100 }
      const agent = expectStatus(await client.post('/agents', body, admin), 201).body
      runtimes.push({ agentId: String(agent.id), providerId, icToken: String(agent.ic_token.token) })
    }

    let isOver = false
    const [disclosed, rotated] = await Promise.all([
      Promise.all(runtimes.map((runtime) => borrow(client, runtime))).finally(() => (isOver = true)),
      Promise.all(Array.from({ length: ADMINS }, () => rotate(client, { providerId, admin }, () => isOver))),
    ])
    const disclosures = disclosed.flat()
    const start: Reign = { id: first?.id ?? '', apiKey, retiredKeyId: null, fromMs: 0, answeredMs: 0 }
    const reigns = new Map([start, ...rotated.flat()].map((reign) => [reign.apiKey, reign]))
    const successors = new Map(rotated.flat().map((reign) => [reign.retiredKeyId, reign]))
    expect(disclosures).toHaveLength(CLIENTS * ROUNDS * 2)
    // The rotations are no background noise: many keys were in use, from both admins.
    expect(new Set(disclosures.map((disclosure) => disclosure.apiKey)).size).toBeGreaterThan(ADMINS * 2)

    // Exactly one key at every moment: each retired the one before it, and the last is active.
    const line = [start]
    for (let next = successors.get(start.id); next !== undefined; next = successors.get(next.id)) line.push(next)
    expect(line).toHaveLength(reigns.size)
    expect((await keysNow('active')).map(({ id }) => id)).toEqual([line.at(-1)?.id])

    const untimely = disclosures.filter((disclosure) => {
      const reign = reigns.get(disclosure.apiKey)
      if (reign === undefined) return true
      const untilMs = successors.get(reign.id)?.answeredMs ?? Infinity
      return disclosure.untilMs < reign.fromMs || disclosure.fromMs > untilMs
    })
    expect(untimely).toEqual([])

    const audit = await client.get('/audit?operation=PROVIDER_KEY_DISCLOSED&limit=1000', admin)
    const entries = expectStatus(audit, 200).body.data as Answer['body'][]
    const told = entries.map(({ request_id: requestId, actor, resource_id: keyId, metadata }) => [
      requestId,
      { actor: actor.id as unknown, keyId: keyId as unknown, purpose: metadata.purpose as unknown },
    ])
    const given = disclosures.map(({ requestId, agentId, apiKey: key, purpose }) => [
      requestId,
      { actor: agentId, keyId: reigns.get(key)?.id, purpose },
    ])
    expect(told).toHaveLength(given.length)
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(given))
  }, 60_000)
})
