/** A key that is replaced in the moment between its opening and its disclosure: on PostgreSQL another transaction may do that. */
import { describe, expect, test } from '@jest/globals'
import type { AtTx, WriteTx } from '@iron/database'
import { enginesForTests } from '@iron/database/testing'
import { openIpToken } from '@iron/ip-token-crypto'
import { ProviderKeyStorage } from '@iron/token-manager'
import { BudgetProtocol } from '../src/index.ts'
import { createWorld } from './world.ts'

/** Keys that change hands right after they were opened, so many times. */
class RestlessKeys extends ProviderKeyStorage {
  rotations = 0
  rotationsMax = 0

  override async unseal(providerId: string, options: AtTx = {}): ReturnType<ProviderKeyStorage['unseal']> {
    const opened = await super.unseal(providerId, options)
    if (this.rotations < this.rotationsMax) {
      this.rotations += 1
      await this.rotate(providerId, `sk-number-${String(this.rotations)}`, 'test', { tx: options.tx as WriteTx })
    }
    return opened
  }
}

async function restlessWorld(dialect: 'sqlite' | 'postgres') {
  const world = await createWorld(dialect)
  const keys = new RestlessKeys(world.db, world.vault)
  const { registry, leases, limits, providers } = world
  return { ...world, keys, protocol: new BudgetProtocol(world.db, { registry, keys, leases, limits, providers }) }
}

describe.each(await enginesForTests())('a key replaced meanwhile on %s', (dialect) => {
  test('SEC-24 SEC-25 its successor is handed over, and it alone is audited as disclosed', async () => {
    await using world = await restlessWorld(dialect)
    const { protocol, principal, keys, agent, icToken, openai } = world
    const openedBy = (grant: Awaited<ReturnType<BudgetProtocol['handshake']>>): string =>
      openIpToken(grant.ipToken ?? '', {
        icToken: icToken.token,
        agentId: agent.id,
        leaseId: grant.lease.id,
        providerId: openai.id,
      })
    keys.rotationsMax = 3
    const first = await protocol.handshake(principal)
    expect(openedBy(first)).toBe('sk-number-3')
    keys.rotationsMax = 5
    expect(openedBy(await protocol.refresh(principal, first.lease.id))).toBe('sk-number-5')

    const { data } = await world.audit.list({ operation: 'PROVIDER_KEY_DISCLOSED' }, { order: 'asc' })
    const rotated = await world.audit.list({ operation: 'PROVIDER_KEY_ROTATED' }, { order: 'asc' })
    const ids = rotated.data.map(({ resourceId }) => resourceId)
    expect(data.map(({ resourceId }) => resourceId)).toEqual([ids[2], ids[4]])
  })

  test('a key that never stands still refuses the grant, which reserves nothing', async () => {
    await using world = await restlessWorld(dialect)
    // Without an end, because a grant that shared its transaction is tried once more by itself.
    world.keys.rotationsMax = Infinity
    await expect(world.protocol.handshake(world.principal)).rejects.toMatchObject({ code: 'KEY_NOT_ACTIVE' })
    expect(await world.test.scalar('SELECT count(*) FROM leases')).toBe(0)
    world.keys.rotationsMax = 9
    world.keys.rotations = 0
    await world.protocol.handshake(world.principal)
  })
})
