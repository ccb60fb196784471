/**
 * SEC-01 OPS-16: a server that tells everything it can (finest log, metrics, traces, audit) is sent its secrets in every place that
 * a client can fill, and tells none of them: not whole, not in base64, not twelve characters of one.
 */
import { createHash, randomBytes } from 'node:crypto'
import path from 'node:path'
import { startProcess } from '@iron/test-kit'
import { expect, test } from '@jest/globals'
import { type Collector, startCollector } from '../support/collector.ts'
import { HttpClient } from '../support/http-client.ts'
import { rawExchange } from '../support/raw-http.ts'
import {
  ADMIN,
  createAgent,
  createInstallation,
  expectStatus,
  mainProgram,
  startServer,
} from '../support/server-process.ts'
import { SocketClient } from '../support/socket-client.ts'

/** A part of a secret of this many characters is a leak. */
const PART = 12

type Headers = Record<string, string>

/** Random texts in the forms in which secrets come; a JWT's header and claims are no secret, its signature is. */
const text = (bytes = 24): string => randomBytes(bytes).toString('base64url')

/** Everything by which a secret could be recognised. */
function tracesOf(secret: string): string[] {
  const core = secret.startsWith('eyJ') || secret.startsWith('ic_') ? secret.slice(secret.lastIndexOf('.') + 1) : secret
  const encodings = [core]
  for (const padding of ['', 'x', 'xy']) {
    // Whatever stands before it, two characters at each end belong to its neighbours.
    for (const encoding of ['base64', 'base64url'] as const) {
      encodings.push(
        Buffer.from(padding + core)
          .toString(encoding)
          .slice(4, -4),
      )
    }
  }
  encodings.push(Buffer.from(core).toString('hex'), encodeURIComponent(core))
  return encodings.flatMap((encoded) =>
    Array.from({ length: Math.max(0, encoded.length - PART + 1) }, (_, from) => encoded.slice(from, from + PART)),
  )
}

/** Every place of a text where a part of a secret stands, with its name and what stands around it. */
function leaksIn(everything: string, secrets: Readonly<Record<string, string>>): string[][] {
  const names = new Map(
    Object.entries(secrets).flatMap(([name, secret]) => tracesOf(secret).map((part) => [part, name])),
  )
  const leaks: string[][] = []
  for (let from = 0; from + PART <= everything.length; from += 1) {
    const name = names.get(everything.slice(from, from + PART))
    if (name !== undefined) leaks.push([name, everything.slice(Math.max(0, from - 200), from + 60)])
  }
  return leaks
}

/** The headers that a client can fill, each with the secret in it. */
function headersWith(secret: string): Headers[] {
  const basic = Buffer.from(`user:${secret}`).toString('base64')
  const named: Headers[] = [
    { Authorization: `Bearer ${secret}` },
    { Authorization: `Basic ${basic}` },
    { Authorization: secret },
    { 'X-API-Token': secret },
    { 'X-IC-Token': secret },
    { Cookie: `session=${secret}` },
    { Referer: `https://example.com/?token=${secret}` },
    { Origin: `https://${secret}.example.com` },
    { 'X-Forwarded-For': secret },
    { 'Idempotency-Key': secret },
    { 'If-None-Match': secret },
    { Accept: secret },
    { 'Content-Type': `text/${secret}` },
    { traceparent: `00-${createHash('md5').update(secret).digest('hex')}-${secret.slice(0, 16)}-01` },
    { tracestate: `iron=${secret}`, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    { baggage: `token=${secret}` },
  ]
  // A text without a form of its own cannot be told from a name.
  if (hasForm(secret)) named.push({ 'X-Request-Id': secret }, { 'User-Agent': `agent/1 ${secret}` })
  return named
}

const hasForm = (secret: string): boolean => /^(ic_|at_|eyJ|sk-)/.test(secret)

/** Bodies with the secret in them, and the credential that lets each get furthest. */
function bodiesWith(secret: string, admin: Headers, runtime: Headers): (readonly [string, unknown, Headers])[] {
  const nobody: Headers = {}
  const provider = {
    name: 'x',
    kind: secret,
    base_url: `https://user:${secret}@example.com/?key=${secret}`,
    models: [],
  }
  return [
    ['/auth/login', { email: ADMIN.email, password: secret }, nobody],
    ['/auth/login', { email: secret, password: secret }, nobody],
    [
      '/auth/login',
      { email: 'nobody@example.com', password: 'wrong', token: secret, deep: { api_key: secret } },
      nobody,
    ],
    ['/auth/login', `{"email":"a@b.c","password":"${secret}`, nobody],
    ['/auth/login', secret, nobody],
    ['/auth/login', `{"password":${secret}}`, nobody],
    ['/auth/refresh', { refresh_token: secret }, nobody],
    ['/users', { username: 'x', email: 'x@example.com', password: secret, role: secret }, admin],
    ['/agents', { name: 'x', allocated_usd: secret, ic_token: secret }, admin],
    ['/providers', provider, admin],
    ['/budget/handshake', { requested_usd: secret, provider: secret }, runtime],
    ['/budget/report', { lease_id: secret, cost_usd: 1, request_id: 'r' }, runtime],
    ['/budget/report', { ic_token: secret, lease_id: secret, cost_usd: 1 }, nobody],
    ['/analytics/events', { events: [{ event_id: 'e', type: secret, api_key: secret }] }, runtime],
  ]
}

/** What the server answered. */
async function tell(
  client: HttpClient,
  port: number,
  secret: string,
  admin: Headers,
  runtime: Headers,
): Promise<string[]> {
  const told: string[] = []
  const ask = async (method: string, target: string, body?: unknown, headers: Headers = {}): Promise<void> => {
    const answer = await client.request(method, target, body, headers)
    told.push(JSON.stringify([answer.headers, answer.body]))
  }
  for (const headers of headersWith(secret)) await ask('POST', '/api/v1/agents', {}, headers)
  for (const target of [
    secret,
    `agents/${secret}`,
    `agents?owner_id=${secret}&token=${secret}`,
    `events?after=${secret}`,
  ]) {
    for (const headers of [admin, runtime])
      await ask('GET', `/api/v1/${target}${target.includes('?') ? '&x=1' : '?x=1'}`, undefined, headers)
  }
  for (const [route, body, headers] of bodiesWith(secret, admin, runtime))
    await ask('POST', `/api/v1${route}`, body, headers)
  for (const bytes of [
    `${secret}\r\n\r\n`,
    `GET /${secret} HTTP/1.1\r\n${secret}\r\n\r\n`,
    `${secret} / HTTP/1.1\r\nHost: x\r\n\r\n`,
  ]) {
    told.push((await rawExchange(port, bytes, { halfClose: true })).text)
  }
  for (const options of [
    { path: `/ws?token=${secret}` },
    { path: `/ws?since=${secret}` },
    { headers: { 'X-API-Token': `${secret}x` } },
  ]) {
    told.push(JSON.stringify(await SocketClient.refused(port, options)))
  }
  for (const frame of [
    { type: 'auth', token: `${secret}x` },
    { type: secret, token: secret },
    { type: 'auth', password: secret },
    secret,
  ]) {
    const socket = await SocketClient.open(port)
    socket.send(frame)
    await socket.closed()
    told.push(JSON.stringify(socket.frames))
  }
  return told
}

test('SEC-01 OPS-16 EVT-18 what a client sends in any place is told in none', async () => {
  await using collector: Collector = await startCollector()
  const metricsToken = text()
  await using installation = await createInstallation('sqlite', {
    LOG_LEVEL: 'trace',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${text()}`,
    IRON_ADMIN_PASSWORD: ADMIN.password,
    IRON_METRICS_TOKEN: metricsToken,
  })
  const { env } = installation
  const password = text()
  const providerKey = `sk-${text()}`
  const secrets: Record<string, string> = { password, providerKey, metricsToken }
  for (const name of ['JWT_SECRET', 'IC_TOKEN_SECRET', 'IRON_MASTER_KEYS'] as const) secrets[name] = env[name]!.slice(3)
  const told: string[] = []
  {
    await using server = await startServer(installation)
    using client = new HttpClient(server.address)
    const port = Number(new URL(server.address).port)
    const { admin, icToken, runtime } = await createAgent(client, { allocatedUsd: 10, apiKey: providerKey })
    const account = { username: 'canary', email: 'canary@example.com', password, role: 'user' }
    expectStatus(await client.post('/users', account, admin), 201)
    const login = { email: account.email, password }
    const session = expectStatus(await client.post('/auth/login', login), 200).body as Record<string, string>
    const bearer = { Authorization: `Bearer ${session['access_token']!}` }
    const token = expectStatus(await client.post('/tokens', { name: 't', scopes: ['events:read'] }, bearer), 201)
    Object.assign(secrets, {
      accessToken: session['access_token'],
      refreshToken: session['refresh_token'],
      apiToken: String(token.body.token),
      icToken,
    })
    const ip = expectStatus(await client.post('/budget/handshake', { requested_usd: 1 }, runtime), 200)
    secrets['ipToken'] = String(ip.body.ip_token)

    for (const secret of [password, providerKey, secrets['accessToken']!, secrets['apiToken']!, icToken]) {
      told.push(...(await tell(client, port, secret, admin, runtime)))
    }
    told.push(JSON.stringify((await client.get('/audit?limit=1000', admin)).body))
    const events = expectStatus(await client.get('/events?limit=1000', admin), 200).body.data as unknown[]
    expect(events.length).toBeGreaterThan(0)
    told.push(JSON.stringify(events))
    told.push(String(expectStatus(await client.get('/metrics', { Authorization: `Bearer ${metricsToken}` }), 200).body))
    await server.process.stop()
    told.push(server.process.stdout, server.process.stderr)
    expect(server.process.stderr.split('\n').length).toBeGreaterThan(200)
  }
  const exported = await startProcess(process.execPath, ['--conditions=@iron/source', mainProgram, 'audit', 'export'], {
    env: { ...env, NODE_OPTIONS: undefined },
    cwd: path.dirname(mainProgram),
  })
  expect(await exported.exited).toEqual({ code: 0, signal: null })
  expect(exported.stdout).toContain('API_TOKEN_CREATED')
  told.push(exported.stdout, exported.stderr)
  expect(collector.spans().length).toBeGreaterThan(200)
  const leaks = leaksIn([...told, ...collector.bodies].join('\n'), secrets)
  expect(leaks.slice(0, 5)).toEqual([])
}, 60_000)
