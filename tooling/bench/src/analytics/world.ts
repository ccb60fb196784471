/** A server's database with agents of an owner and of others, and millions of calls of theirs. */
import { randomBytes } from 'node:crypto'
import { openDatabase } from '@iron/database'
import { ADMIN, call, startServer } from '../server.ts'
import { type Filled, fillCalls } from './fill-calls.ts'

const OWNER = { email: 'owner@bench.test', password: 'a password for the bench' }

/** Who is there, and what starts a server on it. */
export interface World {
  readonly place: string
  readonly secrets: Readonly<Record<string, string>>
  readonly agents: readonly { readonly id: string; readonly token: string }[]
}

/** Makes the database at `place`. */
export async function makeWorld(
  place: string,
  { agents, calls, ofOwner }: { readonly agents: number; readonly calls: number; readonly ofOwner: number },
): Promise<World & { readonly filled: Filled }> {
  const secret = (): string => `k1:${randomBytes(32).toString('base64')}`
  const secrets = { JWT_SECRET: secret(), IC_TOKEN_SECRET: secret(), IRON_MASTER_KEYS: secret() }
  const server = await startServer(place, secrets)
  const made: { id: string; token: string }[] = []
  try {
    const admin = await headersOf(server.address, ADMIN)
    const owner = await call(server.address, '/users', { ...OWNER, username: 'owner', role: 'user' }, admin)
    const about = { name: 'openai', kind: 'openai', base_url: 'https://api.openai.com/v1', models: ['gpt-4o'] }
    const provider = await call(server.address, '/providers', about, admin)
    await call(server.address, `/providers/${String(provider['id'])}/keys`, { api_key: 'sk-bench-0123456789' }, admin)
    for (let index = 0; index < agents; index += 1) {
      const body = {
        name: `agent-${index}`,
        provider_ids: [provider['id']],
        allocated_usd: 1_000_000,
        ...(index < ofOwner && { owner_id: owner['id'] }),
      }
      const agent = await call(server.address, '/agents', body, admin)
      made.push({ id: String(agent['id']), token: (agent['ic_token'] as unknown as { token: string }).token })
    }
  } finally {
    await server.process.stop()
  }
  const db = await openDatabase(place)
  try {
    const ids = made.map(({ id }) => id)
    return { place, secrets, agents: made, filled: await fillCalls(db, ids, calls) }
  } finally {
    await db.close()
  }
}

/** What a person sends along. */
export async function headersOf(address: string, who: typeof ADMIN): Promise<Record<string, string>> {
  const login = await call(address, '/auth/login', who)
  return { Authorization: `Bearer ${String(login['access_token'])}` }
}

/** A server on the world, and what admin and owner send along. */
export async function serve({ place, secrets }: World) {
  const server = await startServer(place, secrets)
  const { address, process } = server
  return { address, process, admin: await headersOf(address, ADMIN), owner: await headersOf(address, OWNER) }
}
