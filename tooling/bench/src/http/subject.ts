/** Servers under load: ours with agents that hold leases, and bare Express, which is asked the same. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { IcTokenManager } from '@iron/ic-token'
import { postgresForTests, startProcess, type StartedProcess } from '@iron/test-kit'
import { createDatabase } from '../postgres.ts'
import { ADMIN, call, startServer } from '../server.ts'

/** An agent's runtime: what it sends with every call, and the lease it spends. */
export interface Runtime {
  readonly headers: Readonly<Record<string, string>>
  readonly lease: string
}

/** A running server, and those who call it. */
export interface Subject {
  readonly address: string
  readonly process: StartedProcess
  readonly runtimes: readonly Runtime[]
}

const LISTENING = /listening on (http:\/\/\S+)/
const servers = fileURLToPath(new URL('../servers/', import.meta.url))

/** Runs work with a server of ours on an empty database, with so many agents, each with a budget and a lease of its own. */
export async function withIron<T>(
  engine: 'sqlite' | 'postgres',
  agents: number,
  work: (subject: Subject) => Promise<T>,
): Promise<T> {
  return withDatabase(engine, async (url) => {
    const { address, process } = await startServer(url)
    try {
      return await work({ address, process, runtimes: await provision(address, agents) })
    } finally {
      await process.stop()
    }
  })
}

/** The URL of an empty database, gone afterwards. */
export async function withDatabase<T>(engine: 'sqlite' | 'postgres', work: (url: string) => Promise<T>): Promise<T> {
  if (engine === 'sqlite') return withFolder((folder) => work(path.join(folder, 'bench.db')))
  const postgres = await postgresForTests()
  if (postgres === undefined) throw new Error('there is no PostgreSQL')
  const database = await createDatabase(postgres.url)
  try {
    return await work(database.url)
  } finally {
    await database.drop()
  }
}

export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-bench-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Express that parses and answers JSON of the same size, and nothing else but, given a file, to synchronise a page of it for each call. */
export async function withBareExpress<T>(work: (subject: Subject) => Promise<T>, ...file: string[]): Promise<T> {
  const process = await startServerFile('bare-express.ts', ...file)
  const headers = { 'X-IC-Token': `ic_${'x'.repeat(400)}` }
  try {
    return await work({ address: process.ready[1] ?? '', process, runtimes: [{ headers, lease: LEASE }] })
  } finally {
    await process.stop()
  }
}

/** The typical stack, with tokens that it accepts. */
export async function withTypicalExpress<T>(agents: number, work: (subject: Subject) => Promise<T>): Promise<T> {
  const secret = randomBytes(32)
  const tokens = new IcTokenManager({ keys: [{ kid: 'k1', secret }] })
  const runtimes = Array.from({ length: agents }, (_, index) => {
    const headers = { 'X-IC-Token': tokens.issue({ agentId: `agent_${index}` }).token }
    return { headers, lease: LEASE }
  })
  return withFolder(async (folder) => {
    const file = path.join(folder, 'typical.db')
    const process = await startServerFile('typical-express.ts', file, secret.toString('hex'))
    try {
      return await work({ address: process.ready[1] ?? '', process, runtimes })
    } finally {
      await process.stop()
    }
  })
}

const LEASE = 'lease_01900000-0000-7000-8000-000000000001'

function startServerFile(name: string, ...args: string[]): Promise<StartedProcess> {
  return startProcess(process.execPath, [path.join(servers, name), ...args], { ready: LISTENING })
}

/** Agents on a server that has an admin, each with a budget and a lease. */
export async function provision(address: string, agents: number): Promise<Runtime[]> {
  const login = await call(address, '/auth/login', ADMIN)
  const admin = { Authorization: `Bearer ${String(login['access_token'])}` }
  const provider = await call(
    address,
    '/providers',
    { name: 'openai', kind: 'openai', base_url: 'https://api.openai.com/v1', models: ['gpt-4o'] },
    admin,
  )
  await call(address, `/providers/${String(provider['id'])}/keys`, { api_key: 'sk-bench-0123456789' }, admin)
  const runtimes: Runtime[] = []
  for (let index = 0; index < agents; index += 1) {
    const body = { name: `agent-${index}`, provider_ids: [provider['id']], allocated_usd: 1_000_000 }
    const agent = await call(address, '/agents', body, admin)
    const headers = { 'X-IC-Token': (agent['ic_token'] as unknown as { token: string }).token }
    const lease = await call(address, '/budget/handshake', { requested_usd: 1_000 }, headers)
    runtimes.push({ headers, lease: String(lease['lease_id']) })
  }
  return runtimes
}
