/** CON-27: an operation that spans packages happens as a whole or leaves no trace, wherever it fails. */
import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { TABLE_OWNERS, type WriteTx } from '@iron/database'
import { enginesForTests } from '@iron/database/testing'
import { countedTx, Fault, Steps } from './faulty-tx.ts'
import { createWorld, type World } from './world.ts'

const WHY = 'The crawl needs twice as many pages.'

/** Every row of every table. */
async function everything({ test }: Pick<World, 'test'>): Promise<Record<string, string[]>> {
  const tables: Record<string, string[]> = {}
  for (const table of Object.keys(TABLE_OWNERS).sort()) {
    tables[table] = (await test.rows(`SELECT * FROM ${table}`)).map((row) => JSON.stringify(row)).sort()
  }
  return tables
}

/** An installation in which each operation has something to do with every table that it spans. */
async function busyWorld(dialect: 'sqlite' | 'postgres') {
  const world = await createWorld(dialect)
  const { leases, budgetRequests, owner } = world
  const ann = await world.user('ann')
  const [openai, other] = [await world.provider('openai'), await world.provider('other')]
  const { agent } = await world.agent({ ownerId: ann.id, providerIds: [openai.id], tags: ['x'] })
  await world.agent({ ownerId: ann.id, providerIds: [openai.id] })
  await leases.open(agent.id, usd(10))
  await leases.open(agent.id, usd(5))
  const ask = { agentId: agent.id, requesterId: ann.id, requestedAllocated: usd(200), justification: WHY }
  const request = await budgetRequests.create(ask, ann.id)
  return { ...world, ann, openai, other, agent, request, admin: owner.id }
}

type BusyWorld = Awaited<ReturnType<typeof busyWorld>>

type Operation = (world: BusyWorld, tx: WriteTx) => Promise<unknown>

const operations: Readonly<Record<string, Operation>> = {
  create: ({ registry, ann, openai, admin }, tx) =>
    registry.create({ name: 'n', ownerId: ann.id, allocated: usd(5), providerIds: [openai.id] }, admin, { tx }),
  update: ({ registry, agent, admin }, tx) =>
    registry.update(agent.id, { name: 'n', tags: [], ownerId: admin }, admin, { tx }),
  archive: ({ registry, agent, admin }, tx) => registry.archive(agent.id, admin, { tx }),
  stop: ({ registry, agent, admin }, tx) => registry.stop(agent.id, admin, { tx, reason: 'r' }),
  reportState: ({ registry, agent }, tx) => registry.reportState(agent.id, 'running', { tx }),
  setProviders: ({ registry, agent, other, openai, admin }, tx) =>
    registry.setProviders(agent.id, [other.id, openai.id], admin, { tx }),
  deleteProvider: ({ registry, openai, admin }, tx) => registry.deleteProvider(openai.id, admin, { tx }),
  regenerateIcToken: ({ registry, agent, admin }, tx) => registry.regenerateIcToken(agent.id, admin, { tx }),
  revokeIcToken: ({ registry, agent, admin }, tx) => registry.revokeIcToken(agent.id, admin, { tx }),
  approveBudgetRequest: ({ registry, request, admin }, tx) => registry.approveBudgetRequest(request.id, admin, { tx }),
  suspendUser: ({ owners, ann, admin }, tx) => owners.suspendUser(ann.id, admin, 'r', { tx }),
  deleteUser: ({ owners, ann, admin }, tx) => owners.deleteUser(ann.id, admin, { tx }),
}

/** How many steps the operation takes; nothing of it is kept. */
async function stepsOf(world: BusyWorld, run: Operation): Promise<number> {
  const steps = new Steps()
  const undone = world.db.write(async (tx) => {
    await run(world, countedTx(tx, steps))
    throw new Fault('undone')
  })
  await expect(undone).rejects.toThrow(Fault)
  return steps.taken
}

describe.each(await enginesForTests())('faults on %s', (dialect) => {
  test.each(Object.entries(operations))('CON-27 EVT-06 %s that fails at any step leaves no trace', async (_, run) => {
    await using world = await busyWorld(dialect)
    const before = await everything(world)
    const count = await stepsOf(world, run)
    expect(count).toBeGreaterThan(5)
    for (let failAt = 1; failAt <= count; failAt += 1) {
      const failing = world.db.write((tx) => run(world, countedTx(tx, new Steps(failAt))))
      await expect(failing).rejects.toThrow(Fault)
    }
    expect(await everything(world)).toEqual(before)
    await world.db.write((tx) => run(world, tx))
    expect(await everything(world)).not.toEqual(before)
    expect(await world.ledger.verify()).toEqual([])
  })

  test('CON-27 deleteUser undoes itself inside a transaction that goes on after its failure', async () => {
    await using world = await busyWorld(dialect)
    const before = await everything(world)
    const run = operations['deleteUser']!
    const count = await stepsOf(world, run)
    for (let failAt = 1; failAt <= count; failAt += 1) {
      await world.db.write(async (tx) => {
        await expect(run(world, countedTx(tx, new Steps(failAt)))).rejects.toThrow(Fault)
      })
    }
    expect(await everything(world)).toEqual(before)
  })

  test('DAT-10 what cannot be audited has not happened', async () => {
    await using world = await busyWorld(dialect)
    const full =
      dialect === 'postgres'
        ? 'ALTER TABLE audit_log ADD CONSTRAINT full_log CHECK (seq < 0) NOT VALID'
        : `CREATE TRIGGER full_log BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'full'); END`
    await world.test.rows(full)
    const before = await everything(world)
    for (const run of Object.values(operations)) {
      await expect(world.db.write((tx) => run(world, tx))).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
    }
    expect(await everything(world)).toEqual(before)
  })
})
