/** An installation with people, a provider and agents, made once per process; every world starts from its image (rulings R13). */
import type { Microdollars } from '@iron/cost-calculator'
import type { IronDatabase } from '@iron/database'
import { createTestDb } from '@iron/database/testing'
import { UserService } from '@iron/token-manager'
import { ALLOCATED_AT_FIRST } from '../rules.ts'
import { Server } from './server.ts'

/** Agents of a world: who may run amok is decided by their runtimes. */
const AGENT_NAMES = ['careful', 'mixed', 'careless']
const OWNER_NAMES = ['olivia', 'oscar']

/** What a world starts from. */
export interface Installation {
  readonly image: Buffer
  /** When it was finished, epoch ms. */
  readonly at: number
  readonly adminId: string
  readonly ownerIds: readonly string[]
  readonly agents: readonly { readonly id: string; readonly name: string; readonly token: string }[]
}

let made: Promise<Installation> | undefined

/** The installation of this process. */
export function installation(): Promise<Installation> {
  return (made ??= install())
}

async function install(): Promise<Installation> {
  await using test = await createTestDb()
  const { db, clock } = test
  await using users = new UserService(db, { bcryptCost: 4 })
  const admin = await users.bootstrapAdmin({ username: 'admin', email: 'admin@iron.test', password: 'correct horse' })
  const ownerIds: string[] = []
  for (const username of OWNER_NAMES) {
    const person = { username, email: `${username}@iron.test`, password: 'correct horse', role: 'user' } as const
    ownerIds.push((await users.createUser(person, admin.id)).id)
  }
  const agents = await furnish(db, admin.id, ownerIds)
  return { image: test.image(), at: clock.now(), adminId: admin.id, ownerIds, agents }
}

async function furnish(
  db: IronDatabase,
  adminId: string,
  ownerIds: readonly string[],
): Promise<Installation['agents']> {
  const { providers, keys, registry } = new Server(db, adminId)
  const provider = await providers.create(
    { name: 'openai', kind: 'openai', baseUrl: 'https://api.openai.com/v1', models: ['gpt-4o'] },
    adminId,
  )
  await keys.add(provider.id, 'sk-secret-key-of-the-provider', adminId)
  const agents = []
  for (const [index, name] of AGENT_NAMES.entries()) {
    const { agent, icToken } = await registry.create(
      {
        name,
        ownerId: ownerIds[index === 2 ? 1 : 0] as string,
        allocated: ALLOCATED_AT_FIRST as Microdollars,
        providerIds: [provider.id],
      },
      adminId,
    )
    agents.push({ id: agent.id, name, token: icToken.token })
  }
  return agents
}
