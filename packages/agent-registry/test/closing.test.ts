import { expect, test } from '@jest/globals'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { usd } from '@iron/cost-calculator'
import { IcTokenManager } from '@iron/ic-token'
import { AgentRegistry, OwnerLifecycle } from '../src/index.ts'
import { SECRET } from './world.ts'

test('OPS-22 the quick start runs on an empty file, and closing ends all that was opened for it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'iron-registry-'))
  const file = path.join(folder, 'agents.db')
  try {
    const icTokens = new IcTokenManager({ keys: [{ kid: 'k1', secret: SECRET }] })
    {
      await using registry = new AgentRegistry(file, { icTokens })
      await using owners = new OwnerLifecycle(file, { registry })
      const made = await registry.create({ name: 'triage', ownerId: 'user-001', allocated: usd(100) }, 'user-001')
      const { agent, icToken } = made
      expect(agent.budget.available).toBe(usd(100))
      expect((await registry.authenticate(icToken.token)).outcome).toBe('ok')
      expect(await registry.stop(agent.id, 'user-001', { reason: 'maintenance' })).toMatchObject({ changed: true })
      await registry.create({ name: 'other', ownerId: 'user-002' }, 'user-002')
      const { agentsAffected } = await owners.deleteUser('user-001', 'user-002')
      expect(agentsAffected).toEqual([{ agentId: agent.id, name: 'triage', newOwnerId: 'user-002' }])
      expect(existsSync(`${file}-wal`)).toBe(true)
    }
    // SQLite removes its log when the last connection closes.
    expect(existsSync(`${file}-wal`)).toBe(false)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('every code of the type stands in the README', async () => {
  const readme = await readFile(path.join(import.meta.dirname, '../README.md'), 'utf8')
  const source = await readFile(path.join(import.meta.dirname, '../src/errors.ts'), 'utf8')
  const codes = [...source.matchAll(/\| '([A-Z_]+)'/g)].map(([, code]) => code!)
  expect(codes).toHaveLength(8)
  expect(codes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([])
})
