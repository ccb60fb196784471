/** The commands that stay on a screen outlive their server: `watch` misses and repeats nothing, `top` shows what it knew. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { freePort } from '@iron/test-kit'
import { HttpClient } from '../support/http-client.ts'
import {
  createAgent,
  createInstallation,
  expectStatus,
  type Installation,
  mainProgram,
  type ServerProcess,
  startServer,
  type TestAgent,
} from '../support/server-process.ts'

const IRON = [process.execPath, '--conditions=@iron/source', mainProgram] as const

let installation: Installation
let server: ServerProcess
let agent: TestAgent
let env: NodeJS.ProcessEnv
let tokenId: string

beforeAll(async () => {
  // The same address again after a restart, as in real life.
  installation = await createInstallation('sqlite', { PORT: String(await freePort()) })
  server = await startServer(installation)
  using client = new HttpClient(server.address)
  agent = await createAgent(client, { allocatedUsd: 100 })
  const token = expectStatus(await client.post('/tokens', { name: 'for the terminal' }, agent.admin), 201)
  tokenId = String(token.body.id)
  env = { ...process.env, NODE_OPTIONS: '', IRON_URL: server.address, IRON_TOKEN: String(token.body.token) }
}, 60_000)

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await installation[Symbol.asyncDispose]()
})

/** Two events: a lease and its return. */
async function borrowAndReturn(): Promise<void> {
  using client = new HttpClient(server.address)
  const lease = expectStatus(await client.post('/budget/handshake', { requested_usd: 1 }, agent.runtime), 200)
  const back = { lease_id: lease.body.lease_id as string, spent_usd: 0 }
  expectStatus(await client.post('/budget/return', back, agent.runtime), 200)
}

async function outage(): Promise<void> {
  await server.process.stop('SIGKILL')
  server = await startServer(installation)
}

test('watch goes on after an outage, without a gap and without a repetition', async () => {
  const child = spawn(
    IRON[0],
    [...IRON.slice(1), 'watch', '--json', '--types', 'lease.*', '--since', '0', '--count', '4'],
    {
      env,
    },
  )
  const closed = once(child, 'close')
  const notices: string[] = []
  child.stderr.on('data', (text: Buffer) => notices.push(text.toString()))
  await borrowAndReturn()
  const seen: { seq: number; type: string }[] = []
  for await (const line of createInterface(child.stdout)) {
    seen.push(JSON.parse(line) as { seq: number; type: string })
    if (seen.length !== 2) continue
    await outage()
    await borrowAndReturn()
  }
  expect((await closed)[0]).toBe(0)
  expect(seen.map(({ type }) => type)).toEqual(['lease.granted', 'lease.closed', 'lease.granted', 'lease.closed'])
  expect(new Set(seen.map(({ seq }) => seq)).size).toBe(4)
  expect(notices.join('')).toContain('connecting again')
}, 90_000)

const inTerminal = process.platform === 'linux' ? test : test.skip
inTerminal(
  'top refreshes in a terminal, and tells of an outage beside the last figures',
  async () => {
    const command = [...IRON, 'top', '--interval', '1'].map((word) => `'${word}'`).join(' ')
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { env })
    const screens: string[] = []
    let [text, wake] = ['', (): void => undefined]
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString()
      screens.splice(0, screens.length, ...text.split('\u001B[H\u001B[J').slice(1))
      wake()
    })
    const screenWith = async (pattern: RegExp, from: number): Promise<number> => {
      for (;;) {
        const index = screens.findIndex((screen, at) => at >= from && pattern.test(screen))
        if (index !== -1) return index
        if (child.exitCode !== null) throw new Error(`top ended with ${String(child.exitCode)}: ${text}`)
        await new Promise<void>((resolve) => (wake = resolve))
      }
    }
    try {
      const first = await screenWith(/^1 agents, 100\.00 USD allocated/, 0)
      const second = await screenWith(/test-agent/, first + 1)
      await server.process.stop('SIGKILL')
      const lost = await screenWith(/test-agent[^]*cannot be reached[^]*looking again/, second + 1)
      server = await startServer(installation)
      await screenWith(/^(?![^]*looking again)[^]*test-agent/, lost + 1)
      // What does not pass by itself ends it.
      using client = new HttpClient(server.address)
      expectStatus(await client.delete(`/tokens/${tokenId}`, agent.admin), 200)
      const [code] = await once(child, 'close')
      expect(code).toBe(1)
      expect(text).toContain('not, or no longer, accepted')
    } finally {
      if (child.exitCode === null) {
        child.kill('SIGTERM')
        await once(child, 'close')
      }
    }
  },
  90_000,
)
