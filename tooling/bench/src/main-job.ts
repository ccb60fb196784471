// `pnpm bench`: what the main job costs over HTTP, as ratios to a bare Express route measured in the same run, alternating.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { postgresForTests, startProcess, type StartedProcess } from '@iron/test-kit'
import { load, type Measurement, type Script } from './load.ts'
import { createDatabase } from './postgres.ts'
import { ADMIN, call, startServer } from './server.ts'

const CONNECTIONS = 50
const SECONDS = Number(process.env['IRON_TEST_BENCH_SECONDS'] ?? 3)
const ROUNDS = Number(process.env['IRON_TEST_BENCH_ROUNDS'] ?? 3)
const here = path.dirname(fileURLToPath(import.meta.url))

interface Target {
  readonly name: string
  readonly address: string
  readonly report: () => Script
  readonly handshake: () => Script
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** A server with one agent per connection, as an installation has many agents and each its own budget. */
async function prepare(name: string, address: string): Promise<Target> {
  const login = await call(address, '/auth/login', ADMIN)
  const admin = { Authorization: `Bearer ${String(login['access_token'])}` }
  const provider = await call(
    address,
    '/providers',
    { name: 'openai', kind: 'openai', base_url: 'https://api.openai.com/v1', models: ['gpt-4o'] },
    admin,
  )
  await call(address, `/providers/${String(provider['id'])}/keys`, { api_key: 'sk-bench-0123456789' }, admin)
  const runtimes: { headers: Record<string, string>; lease: string }[] = []
  for (let index = 0; index < CONNECTIONS; index += 1) {
    const body = { name: `agent-${index}`, provider_ids: [provider['id']], allocated_usd: 1_000_000 }
    const agent = await call(address, '/agents', body, admin)
    const headers = { 'X-IC-Token': (agent['ic_token'] as unknown as { token: string }).token }
    const lease = await call(address, '/budget/handshake', { requested_usd: 1_000 }, headers)
    runtimes.push({ headers, lease: String(lease['lease_id']) })
  }
  let connection = 0
  const nextRuntime = () => {
    const runtime = runtimes[connection % runtimes.length]
    connection += 1
    if (runtime === undefined) throw new Error('no agents')
    return runtime
  }
  let request = 0
  return {
    name,
    address,
    report: () => {
      const { headers, lease } = nextRuntime()
      return () => {
        request += 1
        const body = JSON.stringify({
          lease_id: lease,
          request_id: `call-${request}`,
          model: 'gpt-4o',
          input_tokens: 1_200,
          output_tokens: 310,
          cost_usd: 0.000123,
        })
        return { path: '/api/v1/budget/report', body, headers }
      }
    },
    handshake: () => {
      const { headers } = nextRuntime()
      let granted = false
      return (previous) => {
        granted = !granted
        if (granted) return { path: '/api/v1/budget/handshake', body: '{"requested_usd":1}', headers }
        const lease = (JSON.parse(previous ?? '{}') as { lease_id?: string }).lease_id
        return { path: '/api/v1/budget/return', body: JSON.stringify({ lease_id: lease, spent_usd: 0 }), headers }
      }
    },
  }
}

function bare(address: string): Target {
  let request = 0
  const headers = { 'X-IC-Token': `ic_${'x'.repeat(400)}` }
  return {
    name: 'bare Express 5',
    address,
    report: () => () => {
      request += 1
      const body = JSON.stringify({
        lease_id: 'lease_01900000-0000-7000-8000-000000000001',
        request_id: `call-${request}`,
        model: 'gpt-4o',
        input_tokens: 1_200,
        output_tokens: 310,
        cost_usd: 0.000123,
      })
      return { path: '/api/v1/budget/report', body, headers }
    },
    handshake: () => {
      let granted = false
      return () => {
        granted = !granted
        const path = granted ? '/api/v1/budget/handshake' : '/api/v1/budget/return'
        return { path, body: granted ? '{"requested_usd":1}' : '{"lease_id":"lease_1","spent_usd":0}', headers }
      }
    },
  }
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

async function measure(targets: readonly Target[], job: 'report' | 'handshake'): Promise<void> {
  const results = new Map<string, Measurement[]>(targets.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const target of targets) {
      const options = {
        connections: CONNECTIONS,
        seconds: SECONDS,
        measured: `/api/v1/budget/${job}`,
        script: target[job],
      }
      results.get(target.name)?.push(await load(target.address, options))
    }
  }
  const limit = median((results.get('bare Express 5') ?? []).map(({ perSecond }) => perSecond))
  say(
    `\n${job === 'report' ? 'report, one per request' : 'handshake (+ return, not counted)'}: ${CONNECTIONS} connections, median of ${ROUNDS} rounds of ${SECONDS} s`,
  )
  for (const [name, rounds] of results) {
    const perSecond = median(rounds.map((round) => round.perSecond))
    const failures = rounds.reduce((sum, round) => sum + round.failures, 0)
    const figures = [
      name.padEnd(24),
      `${perSecond.toFixed(0).padStart(7)}/s`,
      `p50 ${median(rounds.map(({ p50Ms }) => p50Ms))
        .toFixed(2)
        .padStart(7)} ms`,
      `p99 ${median(rounds.map(({ p99Ms }) => p99Ms))
        .toFixed(2)
        .padStart(7)} ms`,
      `${((perSecond / limit) * 100).toFixed(0).padStart(4)} % of bare Express`,
      failures === 0 ? '' : `${failures} FAILED`,
    ]
    say(figures.join('  '))
    if (failures > 0) process.exitCode = 1
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'iron-bench-'))
const started: StartedProcess[] = []
const cleanups: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })]
try {
  const express = await startProcess(process.execPath, [path.join(here, 'bare-express.ts')], {
    ready: /listening on (http:\/\/\S+)/,
  })
  started.push(express)
  const sqlite = await startServer(path.join(folder, 'bench.db'))
  started.push(sqlite.process)
  const targets = [bare(express.ready[1] ?? ''), await prepare('SQLite, FULL', sqlite.address)]
  const postgres = await postgresForTests()
  if (postgres === undefined) say('PostgreSQL is not here: its rows are missing')
  else {
    const database = await createDatabase(postgres.url)
    cleanups.push(database.drop)
    const server = await startServer(database.url)
    started.push(server.process)
    targets.push(await prepare('PostgreSQL', server.address))
  }
  say(`rate limits off, leases per agent 1000, one agent per connection, Node ${process.version}`)
  await measure(targets, 'report')
  await measure(targets, 'handshake')
} finally {
  for (const process of started) await process.stop()
  for (const cleanup of cleanups.reverse()) await cleanup()
}
