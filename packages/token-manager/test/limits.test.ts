import { describe, expect, test } from '@jest/globals'
import { micros } from '@iron/cost-calculator'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import { LimitEnforcer, type LimitNeed, usd } from '../src/index.ts'
import { ADMIN, audited } from './support.ts'

const OWNER = 'user-001'
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

function enforcerOn(test: TestDb): LimitEnforcer {
  return new LimitEnforcer(test.db, { provisionOwners: true })
}

/** A budget row of an agent of this owner with this much lent out: what lease-manager would have written. */
async function lend(test: TestDb, agentId: string, micro: number, ownerId = OWNER): Promise<void> {
  await test.rows('DELETE FROM agent_budgets WHERE agent_id = ?', agentId)
  await test.rows(
    'INSERT INTO agent_budgets (agent_id, owner_id, reserved_micros, allocated_micros, created_at, updated_at) VALUES (?, ?, ?, ?, 1, 1)',
    agentId,
    ownerId,
    micro,
    micro,
  )
}

describe.each(await enginesForTests())('LimitEnforcer on %s', (dialect) => {
  test('creates, changes, lists and deletes limits, with one audit entry a change', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    const created = await limits.create({ ownerId: OWNER, maxCostPerMonth: usd(100), maxTokensPerDay: 5_000 }, ADMIN)
    expect(created).toEqual({
      id: expect.stringMatching(/^lim_/),
      ownerId: OWNER,
      projectId: null,
      maxTokensPerDay: 5_000,
      maxRequestsPerMinute: null,
      maxCostPerMonth: usd(100),
      usage: { tokensToday: 0, requestsThisMinute: 0, costThisMonth: 0, reserved: 0 },
      resetsAt: {
        minute: Date.UTC(2026, 0, 15, 12, 1),
        day: Date.UTC(2026, 0, 16),
        month: Date.UTC(2026, 1, 1),
      },
      createdAt: test.clock.now(),
      updatedAt: test.clock.now(),
    })
    test.clock.advance(1)
    const labelled = await limits.create({ ownerId: OWNER, projectId: 'blue', maxRequestsPerMinute: 0 }, ADMIN)
    expect((await limits.list({ ownerId: OWNER })).data).toEqual([labelled, created])
    expect((await limits.list({ projectId: 'blue' })).data).toEqual([labelled])
    expect((await limits.list({}, { sort: 'createdAt', perPage: 1 })).data).toEqual([created])
    const updated = await limits.update(created.id, { maxTokensPerDay: null }, ADMIN)
    expect(updated).toEqual({ ...created, maxTokensPerDay: null, updatedAt: test.clock.now() })
    expect(await limits.update(created.id, { maxTokensPerDay: null }, ADMIN)).toEqual(updated)
    expect(await limits.get(created.id)).toEqual(updated)
    await limits.delete(created.id, ADMIN)
    expect(await limits.get(created.id)).toBeUndefined()
    const missing = { code: 'LIMIT_NOT_FOUND' }
    await expect(limits.delete(created.id, ADMIN)).rejects.toMatchObject(missing)
    await expect(limits.update(created.id, { maxTokensPerDay: 1 }, ADMIN)).rejects.toMatchObject(missing)
    expect(await audited(test, { id: created.id })).toEqual(['LIMIT_CREATED', 'LIMIT_UPDATED', 'LIMIT_DELETED'])
    const [entry] = await test.rows<{ changes: string }>(
      "SELECT changes FROM audit_log WHERE operation = 'LIMIT_UPDATED'",
    )
    expect(JSON.parse(entry!.changes)).toEqual({
      before: { max_tokens_per_day: 5_000 },
      after: { max_tokens_per_day: null },
    })
  })

  test('LIM-16 VAL-16 one limit per owner and label, the missing label included, also in parallel', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    for (const projectId of [undefined, 'blue']) {
      const calls = Array.from({ length: 8 }, () =>
        limits.create({ ownerId: OWNER, projectId, maxTokensPerDay: 1 }, ADMIN),
      )
      const settled = await Promise.allSettled(calls)
      const [winner] = settled.filter((result) => result.status === 'fulfilled')
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const result of settled) {
        if (result.status === 'rejected') {
          expect(result.reason).toMatchObject({ code: 'DUPLICATE_LIMIT', details: { existing_id: winner?.value.id } })
        }
      }
    }
    expect(await limits.list()).toMatchObject({ total: 2 })
  })

  test('an unknown owner is provisioned where asked, and USER_NOT_FOUND otherwise', async () => {
    await using test = await createTestDb({ dialect })
    const strict = new LimitEnforcer(test.db)
    await expect(strict.create({ ownerId: OWNER, maxTokensPerDay: 1 }, ADMIN)).rejects.toMatchObject({
      code: 'USER_NOT_FOUND',
    })
    const limits = enforcerOn(test)
    await limits.create({ ownerId: 'User-001', maxTokensPerDay: 1 }, ADMIN)
    await limits.create({ ownerId: OWNER, maxTokensPerDay: 1 }, ADMIN)
    await strict.create({ ownerId: OWNER, projectId: 'blue', maxTokensPerDay: 1 }, ADMIN)
    expect(await test.rows('SELECT id, email, password_hash, role FROM users ORDER BY id')).toEqual([
      { id: 'User-001', email: null, password_hash: null, role: 'user' },
      { id: OWNER, email: null, password_hash: null, role: 'user' },
    ])
    expect(await audited(test, { id: OWNER })).toEqual(['USER_CREATED'])
    await test.rows('UPDATE users SET deleted_at = 1 WHERE id = ?', 'User-001')
    await expect(
      limits.create({ ownerId: 'User-001', projectId: 'p', maxTokensPerDay: 1 }, ADMIN),
    ).rejects.toMatchObject({ code: 'USER_NOT_FOUND' })
  })

  test('VAL-02 VAL-05 faults of limits and needs are named', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    const bad = {
      ownerId: '',
      projectId: 'x'.repeat(101),
      maxTokensPerDay: -1,
      maxRequestsPerMinute: 1.5,
      maxCostPerMonth: micros(10 ** 15 + 1),
    }
    await expect(limits.create(bad, ADMIN)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: {
        fields: {
          ownerId: expect.any(String),
          projectId: expect.any(String),
          maxTokensPerDay: expect.any(String),
          maxRequestsPerMinute: expect.any(String),
          maxCostPerMonth: expect.any(String),
        },
      },
    })
    for (const none of [{ ownerId: OWNER }, { ownerId: OWNER, maxTokensPerDay: null }]) {
      await expect(limits.create(none, ADMIN)).rejects.toMatchObject({ details: { fields: { $: expect.any(String) } } })
    }
    await expect(limits.update('lim-1', {}, ADMIN)).rejects.toMatchObject({
      details: { fields: { $: expect.any(String) } },
    })
    for (const need of [{ tokens: -1 }, { requests: 0.5 }, { cost: '1' }] as unknown as LimitNeed[]) {
      await expect(limits.record({ ownerId: OWNER }, need)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
      await expect(limits.check({ ownerId: OWNER }, need)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
      await expect(limits.consume({ ownerId: OWNER }, need)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    }
  })

  test('LIM-03 no limit admits everything, a limit of 0 nothing', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    expect(await limits.room(OWNER)).toEqual({ left: null, blocked: false, exceeded: null })
    expect(await limits.consume({ ownerId: OWNER }, { tokens: 10 ** 12, requests: 1, cost: usd(1e9) })).toBeNull()
    const cases = [
      [{ maxTokensPerDay: 0 }, 'tokens_per_day', true],
      [{ maxRequestsPerMinute: 0 }, 'requests_per_minute', true],
      [{ maxCostPerMonth: usd(0) }, 'cost_per_month', false],
    ] as const
    for (const [index, [maxima, window, blocked]] of cases.entries()) {
      const ownerId = `user-zero-${index}`
      const { id } = await limits.create({ ownerId, ...maxima }, ADMIN)
      const exceeded = { limitId: id, window, limit: 0, used: 0 }
      expect(await limits.check({ ownerId }, {})).toMatchObject(exceeded)
      expect(await limits.consume({ ownerId }, { tokens: 1, requests: 1, cost: usd(1) })).toMatchObject(exceeded)
      expect(await limits.room(ownerId)).toMatchObject({ left: blocked ? null : 0, blocked, exceeded })
    }
  })

  test('LIM-17 LIM-19 what several messages of a transaction count is added up at its end, for each owner and project', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    const owners = ['owner-b', 'owner-a', 'owner-c']
    for (const ownerId of owners) await limits.create({ ownerId, maxTokensPerDay: 1 }, ADMIN)
    const subject = { ownerId: 'owner-a', projectId: 'p' }
    await limits.create({ ...subject, maxTokensPerDay: 1 }, ADMIN)
    for (let transaction = 1; transaction <= 2; transaction += 1) {
      await test.db.write(async (tx) => {
        for (const ownerId of owners) {
          limits.recordLater({ ownerId }, { tokens: 5, requests: 1, cost: usd(1) }, { tx })
          limits.recordLater({ ownerId }, { tokens: 2, requests: 1 }, { tx })
        }
        limits.recordLater(subject, { tokens: 10, requests: 1 }, { tx })
      })
    }
    const { data } = await limits.list()
    const used = data.map(({ ownerId, projectId, usage }) => [
      ownerId,
      projectId,
      usage.tokensToday,
      usage.costThisMonth,
    ])
    expect(used.sort()).toEqual([
      ['owner-a', null, 34, usd(2)],
      ['owner-a', 'p', 20, 0],
      ['owner-b', null, 14, usd(2)],
      ['owner-c', null, 14, usd(2)],
    ])
    const undone = test.db.write(async (tx) => {
      limits.recordLater({ ownerId: 'owner-b' }, { tokens: 5 }, { tx })
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect((await limits.list()).data.map(({ usage }) => usage.tokensToday).sort()).toEqual([14, 14, 20, 34])
  })

  test('a counter that is full stays full, however it is raised', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    const subject = { ownerId: OWNER }
    await limits.create({ ...subject, maxTokensPerDay: 1 }, ADMIN)
    const tokens = Number.MAX_SAFE_INTEGER
    for (let round = 0; round < 2; round += 1) {
      await test.db.write(async (tx) => {
        for (let message = 0; message < 3; message += 1) limits.recordLater(subject, { tokens }, { tx })
      })
    }
    expect((await limits.list()).data[0]?.usage.tokensToday).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('LIM-13 LIM-14 use is counted without a limit; limits come, change and go without touching it', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    const subject = { ownerId: OWNER }
    expect(await limits.record(subject, { tokens: 700, requests: 1, cost: usd(3) })).toBeNull()
    test.clock.advance(DAY_MS)
    expect(await limits.record(subject, { tokens: 900, requests: 1, cost: usd(4) })).toBeNull()
    const { id, usage } = await limits.create({ ...subject, maxTokensPerDay: 1_000 }, ADMIN)
    expect(usage).toEqual({ tokensToday: 900, requestsThisMinute: 1, costThisMonth: usd(7), reserved: 0 })
    const changed = await limits.update(id, { maxCostPerMonth: usd(7) }, ADMIN)
    expect(changed).toMatchObject({ maxTokensPerDay: 1_000, maxCostPerMonth: usd(7), usage })
    await limits.delete(id, ADMIN)
    expect(await limits.create({ ...subject, maxTokensPerDay: 900 }, ADMIN)).toMatchObject({ usage })
  })

  test('LIM-11 LIM-12 windows begin anew by themselves and do not touch each other', async () => {
    await using test = await createTestDb({ dialect, at: Date.UTC(2028, 1, 29, 23, 59, 59, 999) })
    const limits = enforcerOn(test)
    const { id } = await limits.create(
      { ownerId: OWNER, maxTokensPerDay: 10, maxRequestsPerMinute: 10, maxCostPerMonth: usd(10) },
      ADMIN,
    )
    const use = { tokens: 10, requests: 10, cost: usd(10) }
    expect(await limits.consume({ ownerId: OWNER }, use)).toBeNull()
    const end = Date.UTC(2028, 2, 1)
    for (const need of [{ tokens: 1 }, { requests: 1 }, { cost: micros(1) }]) {
      expect(await limits.check({ ownerId: OWNER }, need)).toMatchObject({ resetsAt: end })
    }
    test.clock.set(end)
    expect(await limits.get(id)).toMatchObject({ usage: { tokensToday: 0, requestsThisMinute: 0, costThisMonth: 0 } })
    expect(await limits.consume({ ownerId: OWNER }, use)).toBeNull()
    test.clock.advance(MINUTE_MS)
    expect(await limits.get(id)).toMatchObject({
      usage: { tokensToday: 10, requestsThisMinute: 0, costThisMonth: usd(10) },
    })
    expect(await limits.check({ ownerId: OWNER }, { tokens: 1 })).toMatchObject({
      window: 'tokens_per_day',
      resetsAt: end + DAY_MS,
    })
    test.clock.set(end + DAY_MS)
    expect(await limits.get(id)).toMatchObject({
      usage: { tokensToday: 0, requestsThisMinute: 0, costThisMonth: usd(10) },
    })
    // A clock that steps back finds the old window as it was.
    test.clock.set(end - 1)
    expect(await limits.get(id)).toMatchObject({
      usage: { tokensToday: 10, requestsThisMinute: 10, costThisMonth: usd(10) },
    })
    expect(await test.scalar('SELECT count(*) FROM limit_counters')).toBe(6)
  })

  test('LIM-15 a hundred parallel calls at the edge admit exactly what is left', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    await limits.create({ ownerId: OWNER, maxRequestsPerMinute: 100 }, ADMIN)
    expect(await limits.consume({ ownerId: OWNER }, { requests: 83 })).toBeNull()
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => limits.consume({ ownerId: OWNER }, { requests: 1 })),
    )
    expect(answers.filter((answer) => answer === null)).toHaveLength(17)
    expect(answers.find((answer) => answer !== null)).toMatchObject({
      window: 'requests_per_minute',
      limit: 100,
      used: 100,
    })
    expect(await test.scalar('SELECT used FROM limit_counters')).toBe(100)
  })

  test('LIM-16 VAL-17 one label typed in two ways is one label', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301']
    const { id } = await limits.create({ ownerId: OWNER, projectId: decomposed, maxTokensPerDay: 5 }, ADMIN)
    await expect(
      limits.create({ ownerId: OWNER, projectId: composed, maxTokensPerDay: 1 }, ADMIN),
    ).rejects.toMatchObject({ code: 'DUPLICATE_LIMIT', details: { existing_id: id } })
    await limits.record({ ownerId: OWNER, projectId: composed }, { tokens: 3 })
    await limits.record({ ownerId: OWNER, projectId: decomposed }, { tokens: 2 })
    for (const projectId of [composed, decomposed]) {
      expect(await limits.consume({ ownerId: OWNER, projectId }, { tokens: 1 })).toMatchObject({ limitId: id, used: 5 })
      expect((await limits.list({ projectId })).data).toHaveLength(1)
    }
  })

  test('LIM-17 a use counts on the general row and on its own project row, and on no other', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    await limits.record({ ownerId: OWNER, projectId: 'blue' }, { tokens: 5, requests: 1, cost: usd(1) })
    await limits.record({ ownerId: OWNER }, { tokens: 7, requests: 1, cost: usd(2) })
    await limits.record({ ownerId: 'user-002', projectId: 'blue' }, { tokens: 100 })
    const counters = await test.rows(
      "SELECT project_id, used FROM limit_counters WHERE owner_id = 'user-001' AND metric = 'tokens_per_day' ORDER BY project_id",
    )
    expect(counters).toEqual([
      { project_id: '', used: 12 },
      { project_id: 'blue', used: 5 },
    ])
    await limits.create({ ownerId: OWNER, projectId: 'blue', maxTokensPerDay: 6 }, ADMIN)
    await limits.create({ ownerId: OWNER, projectId: 'red', maxTokensPerDay: 0 }, ADMIN)
    expect(await limits.check({ ownerId: OWNER }, { tokens: 100 })).toBeNull()
    expect(await limits.check({ ownerId: OWNER, projectId: 'blue' }, { tokens: 1 })).toBeNull()
    expect(await limits.check({ ownerId: OWNER, projectId: 'blue' }, { tokens: 2 })).toMatchObject({
      limit: 6,
      used: 5,
    })
    const general = await limits.create({ ownerId: OWNER, maxTokensPerDay: 12 }, ADMIN)
    expect(await limits.check({ ownerId: OWNER, projectId: 'blue' }, { tokens: 1 })).toMatchObject({
      limitId: general.id,
      limit: 12,
    })
    expect(await limits.room(OWNER)).toMatchObject({ blocked: true, exceeded: { limitId: general.id } })
  })

  test('LIM-18 money lent out counts against the month as long as it is lent, across its end too', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    const { id } = await limits.create({ ownerId: OWNER, maxCostPerMonth: usd(100) }, ADMIN)
    await limits.create({ ownerId: OWNER, projectId: 'blue', maxCostPerMonth: usd(100) }, ADMIN)
    await limits.record({ ownerId: OWNER }, { cost: usd(30) })
    await lend(test, 'agent-1', usd(25))
    await lend(test, 'agent-2', usd(20))
    await lend(test, 'agent-3', usd(999), 'user-002')
    expect(await limits.room(OWNER)).toEqual({ left: usd(25), blocked: false, exceeded: null })
    expect(await limits.get(id)).toMatchObject({ usage: { costThisMonth: usd(30), reserved: usd(45) } })
    expect(await limits.check({ ownerId: OWNER }, { cost: usd(25) })).toBeNull()
    expect(await limits.check({ ownerId: OWNER }, { cost: usd('25.000001') })).toMatchObject({
      window: 'cost_per_month',
      used: usd(75),
    })
    // On a row with a label nothing is held.
    expect((await limits.list({ projectId: 'blue' })).data[0]).toMatchObject({ usage: { reserved: 0 } })
    await lend(test, 'agent-2', usd(80))
    expect(await limits.room(OWNER)).toMatchObject({
      left: usd(-35, { signed: true }),
      blocked: false,
      exceeded: { used: usd(135), limit: usd(100) },
    })
    test.clock.set(Date.UTC(2026, 1, 1))
    expect(await limits.room(OWNER)).toMatchObject({ left: usd(-5, { signed: true }) })
    await lend(test, 'agent-2', 0)
    expect(await limits.room(OWNER)).toMatchObject({ left: usd(75), exceeded: null })
  })

  test('LIM-19 LIM-20 a fact is always counted, and told what the check before it would have said', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    const subject = { ownerId: OWNER, projectId: 'blue' }
    await limits.create({ ownerId: OWNER, maxTokensPerDay: 100, maxCostPerMonth: usd(50) }, ADMIN)
    await limits.create({ ...subject, maxRequestsPerMinute: 3 }, ADMIN)
    await lend(test, 'agent-1', usd(20))
    const uses: LimitNeed[] = [
      { tokens: 40, requests: 1, cost: usd(10) },
      { tokens: 60, requests: 1, cost: usd(10) },
      { requests: 1, cost: usd(10) },
      { requests: 1 },
      { tokens: 1, requests: 1, cost: usd(1) },
      { cost: micros(1) },
    ]
    const seen: (string | null)[] = []
    for (const use of uses) {
      const before = await test.rows('SELECT * FROM limit_counters ORDER BY project_id, metric')
      const checked = await limits.check(subject, use)
      expect(await test.rows('SELECT * FROM limit_counters ORDER BY project_id, metric')).toEqual(before)
      const recorded = await limits.record(subject, use)
      expect(recorded?.window ?? null).toBe(checked?.window ?? null)
      expect(recorded?.limitId).toBe(checked?.limitId)
      seen.push(recorded?.window ?? null)
    }
    expect(seen).toEqual([null, null, null, 'requests_per_minute', 'tokens_per_day', 'tokens_per_day'])
    const counted = await test.rows("SELECT metric, used FROM limit_counters WHERE project_id = 'blue' ORDER BY metric")
    expect(counted).toEqual([
      { metric: 'cost_per_month', used: usd(31) + 1 },
      { metric: 'requests_per_minute', used: 5 },
      { metric: 'tokens_per_day', used: 101 },
    ])
  })

  test('CON-09 parallel records lose nothing, with and without a transaction of the caller', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => {
        const use = { tokens: 3, requests: 1, cost: micros(7) }
        const projectId = index % 2 === 0 ? 'blue' : undefined
        if (index % 4 < 2) return limits.record({ ownerId: OWNER, projectId }, use)
        return test.db.write((tx) => limits.record({ ownerId: OWNER, projectId }, use, { tx }), { group: true })
      }),
    )
    expect(await test.rows("SELECT metric, used FROM limit_counters WHERE project_id = '' ORDER BY metric")).toEqual([
      { metric: 'cost_per_month', used: 280 },
      { metric: 'requests_per_minute', used: 40 },
      { metric: 'tokens_per_day', used: 120 },
    ])
    expect(
      await test.scalar("SELECT used FROM limit_counters WHERE project_id = 'blue' AND metric = 'tokens_per_day'"),
    ).toBe(60)
  })

  test('LIM-19 a full counter refuses no fact', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    const most = Number.MAX_SAFE_INTEGER
    await limits.record({ ownerId: OWNER }, { tokens: most })
    await limits.record({ ownerId: OWNER }, { tokens: most })
    await limits.record({ ownerId: OWNER }, { tokens: 1 })
    expect(await test.scalar('SELECT used FROM limit_counters')).toBe(most)
  })

  test('nothing used counts nothing', async () => {
    await using test = await createTestDb({ dialect })
    const limits = enforcerOn(test)
    expect(await limits.record({ ownerId: OWNER }, {})).toBeNull()
    expect(await limits.consume({ ownerId: OWNER }, { tokens: 0 })).toBeNull()
    expect(await test.scalar('SELECT count(*) FROM limit_counters')).toBe(0)
  })

  test('prune keeps every counter for its retention, whatever it is told', async () => {
    await using test = await createTestDb({ dialect, at: Date.UTC(2024, 0, 1) })
    const limits = enforcerOn(test)
    const use = { tokens: 1, requests: 1, cost: micros(1) }
    await limits.record({ ownerId: OWNER }, use)
    const prune = (): Promise<number> => limits.prune({ olderThan: test.clock.now() })
    const metrics = async (): Promise<string[]> =>
      (await test.rows<{ metric: string }>('SELECT metric FROM limit_counters ORDER BY metric')).map(
        ({ metric }) => metric,
      )
    test.clock.set(Date.UTC(2024, 0, 3))
    expect(await prune()).toBe(0)
    test.clock.advance(1)
    expect(await prune()).toBe(1)
    expect(await metrics()).toEqual(['cost_per_month', 'tokens_per_day'])
    test.clock.set(Date.UTC(2024, 0, 1) + 90 * DAY_MS + 1)
    expect(await limits.prune({ olderThan: 0 })).toBe(0)
    expect(await prune()).toBe(1)
    test.clock.set(Date.UTC(2026, 1, 28))
    expect(await prune()).toBe(0)
    test.clock.set(Date.UTC(2026, 2, 1))
    expect(await prune()).toBe(1)
    await limits.record({ ownerId: OWNER }, use)
    await limits.record({ ownerId: 'user-002' }, use)
    test.clock.set(Date.UTC(2030, 0, 1))
    await expect(limits.prune({ olderThan: Number.NaN, limit: 0 })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    expect(await limits.prune({ olderThan: test.clock.now(), limit: 4 })).toBe(4)
    expect(await limits.prune({ olderThan: test.clock.now(), limit: 4 })).toBe(2)
  })
})
