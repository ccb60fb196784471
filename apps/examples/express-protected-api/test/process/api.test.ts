import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type StartedProcess, startProcess } from '@iron/test-kit'

let program: StartedProcess
let tokenOf: Readonly<Record<string, string>>

beforeAll(async () => {
  program = await startProcess(process.execPath, ['--conditions=@iron/source', 'src/main.ts'], {
    ready: /^listening on (\S+)$/m,
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { PORT: '0' },
    timeoutMs: 60_000,
  })
  const lines = program.stdout.matchAll(/^(\w+): .*API token (\S+)$/gm)
  tokenOf = Object.fromEntries(Array.from(lines, ([, role, token]) => [role, token]))
}, 60_000)
afterAll(async () => {
  expect(await program.stop()).toEqual({ code: 0, signal: null })
})

async function call(method: string, route: string, as?: string, body?: unknown) {
  const response = await fetch(String(program.ready[1]) + route, {
    method,
    headers: { 'Content-Type': 'application/json', ...(as !== undefined && { Authorization: `Bearer ${as}` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}
const ask = async (method: string, route: string, as?: string, body?: unknown) =>
  (await call(method, route, as, body)).status

test('nobody, viewer, user and admin each get what is theirs', async () => {
  const { admin, user, viewer } = tokenOf
  expect(await ask('GET', '/agents')).toBe(401)
  expect(await ask('POST', '/agents', viewer, { name: 'bot' })).toBe(403)
  expect(await ask('POST', '/agents', user, {})).toBe(400)
  const { status, body: bot } = await call('POST', '/agents', user, { name: 'bot' })
  expect(status).toBe(201)
  expect((await call('GET', '/agents', user)).body).toEqual([bot])
  expect((await call('GET', '/agents', admin)).body).toEqual([bot])
  expect((await call('GET', '/agents', viewer)).body).toEqual([])
  // Somebody else's looks like none at all.
  expect((await call('GET', `/agents/${bot.id}`, viewer)).body).toEqual((await call('GET', '/agents/x', viewer)).body)
  expect(await ask('GET', `/agents/${bot.id}`, viewer)).toBe(404)
  expect(await ask('DELETE', `/agents/${bot.id}`, admin)).toBe(204)
  expect(await ask('GET', `/agents/${bot.id}`, user)).toBe(404)
})

test('a login gives a token that works', async () => {
  const login = await call('POST', '/login', undefined, {
    email: 'bob@example.com',
    password: 'a password to try it with',
  })
  expect(login.status).toBe(200)
  expect(await ask('GET', '/agents', login.body.access_token)).toBe(200)
  expect(await ask('POST', '/login', undefined, { email: 'bob@example.com', password: 'another' })).toBe(401)
})

test('an account that asks too often waits', async () => {
  const answers = []
  for (let count = 0; count <= 20; count += 1) answers.push(await call('GET', '/agents', tokenOf['viewer']))
  const last = answers.at(-1)
  expect([last?.status, last?.body.code]).toEqual([429, 'RATE_LIMIT_EXCEEDED'])
  expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0)
})
