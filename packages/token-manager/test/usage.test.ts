import { describe, expect, test } from '@jest/globals'
import { CostCalculator, createPriceBook, type Microdollars, micros } from '@iron/cost-calculator'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import type { CallFacts } from '@iron/journal'
import fc from 'fast-check'
import {
  type ApiTokenPrincipal,
  LimitEnforcer,
  type LimitMaxima,
  ProviderCatalog,
  TokenManager,
  usd,
  type UsageCheck,
  type UsageReceipt,
  UsageTracker,
} from '../src/index.ts'
import { ADMIN, audited } from './support.ts'
import { breakAudit, DAY_MS, OWNER, principalFor, tokensOn, verdict } from './tokens-support.ts'

const MINUTE_MS = 60_000

/** One model that two providers sell at different prices, in US dollars per million tokens. */
const pricing = new CostCalculator(
  createPriceBook([
    { provider: 'openai', model: 'twin', usdPerMillion: { input: 1, output: 2 } },
    { provider: 'anthropic', model: 'twin', usdPerMillion: { input: 10, output: 20 } },
  ]),
)

const maximum = fc.option(fc.integer({ min: 0, max: 40 }))
const maxima = fc.record({
  maxTokensPerDay: maximum,
  maxRequestsPerMinute: fc.option(fc.integer({ min: 0, max: 6 })),
  maxCostPerMonth: fc.option(fc.integer({ min: 0, max: 40 }).map(micros)),
})

function isLimit(given: LimitMaxima): boolean {
  return Object.values(given).some((max) => max !== null)
}

/** Small calls of every kind, named by few ids, so that repeats and conflicts are many. */
const call = fc.record({
  requestId: fc.constantFrom('r-1', 'r-2', 'r-3', undefined),
  outcome: fc.constantFrom('completed' as const, 'failed' as const, undefined),
  model: fc.constantFrom('twin', 'unknown'),
  provider: fc.constantFrom('openai', undefined),
  usage: fc.option(
    fc.record(
      {
        input: fc.nat(9),
        output: fc.nat(9),
        cacheRead: fc.nat(3),
        reasoning: fc.nat(3),
        imageCacheRead: fc.nat(2),
        videoOutput: fc.nat(2),
        webSearches: fc.nat(2),
      },
      { requiredKeys: [] },
    ),
    { nil: undefined },
  ),
  cost: fc.option(fc.nat(12).map(micros), { nil: undefined }),
})
const calls = fc.array(
  fc.record({ facts: call, repeated: fc.option(fc.nat(3)), waitMs: fc.constantFrom(0, 0, MINUTE_MS) }),
  { minLength: 1, maxLength: 8 },
)

function codeOf(error: { readonly code: string }): string {
  return error.code
}

/** Cost, pricing and the limit named are the same; the check says what is used without the call, the receipt with it. */
function expectAgreement(checked: UsageCheck | string, recorded: UsageReceipt | string): void {
  if (typeof checked === 'string' || typeof recorded === 'string') {
    expect(checked).toBe(recorded)
    return
  }
  expect([checked.cost, checked.pricing]).toEqual([recorded.call.cost, recorded.call.pricing])
  expect(checked.allowed).toBe(recorded.exceeded === null)
  const { exceeded } = checked
  const need = { tokens_per_day: recorded.call.totalTokens, requests_per_minute: 1, cost_per_month: checked.cost }
  const added = exceeded === null || recorded.duplicate ? 0 : need[exceeded.window]
  expect(exceeded && { ...exceeded, used: exceeded.used + added }).toEqual(recorded.exceeded)
}

/** The counters of the running windows, by project and metric. */
async function counters(test: TestDb, ownerId = OWNER): Promise<Record<string, number>> {
  const rows = await test.rows<{ project_id: string; metric: string; used: number }>(
    'SELECT project_id, metric, used FROM limit_counters WHERE owner_id = ? ORDER BY project_id, metric, window_start',
    ownerId,
  )
  return Object.fromEntries(rows.map(({ project_id, metric, used }) => [`${project_id}/${metric}`, used]))
}

async function rowsOf(test: TestDb): Promise<number> {
  return test.scalar('SELECT count(*) FROM requests')
}

describe.each(await enginesForTests())('usage of API tokens on %s', (dialect) => {
  test('the short form: unsplit tokens and US dollars, a rest below a microdollar rounded up', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { secret, token } = await tokens.issueToken(OWNER, 'x', ADMIN)
    const receipt = await tokens.recordUsage(secret, 1000, 0.05)
    expect(receipt).toEqual({
      duplicate: false,
      exceeded: null,
      call: {
        id: expect.stringMatching(/^req_/),
        requestId: null,
        source: 'api_token',
        agentId: null,
        agentName: null,
        tokenId: token.id,
        leaseId: null,
        provider: null,
        model: null,
        outcome: 'completed',
        errorCode: null,
        errorMessage: null,
        usage: { unsplit: 1000 },
        totalTokens: 1000,
        cost: usd(0.05),
        pricing: 'reported',
        priceId: null,
        billed: true,
        late: false,
        overrun: 0,
        latencyMs: null,
        traceId: null,
        at: test.clock.now(),
        receivedAt: test.clock.now(),
      },
    })
    expect(Object.isFrozen(receipt)).toBe(true)
    expect((await tokens.recordUsage(secret, 0, '0.0000011')).call.cost).toBe(2)
    expect((await tokens.recordUsage(secret, 0, 0)).call.cost).toBe(0)
    expect(await counters(test)).toEqual({
      '/tokens_per_day': 1000,
      '/requests_per_minute': 3,
      '/cost_per_month': 50_002,
    })
    expect((await tokens.getToken(token.id))?.usage).toEqual({
      requests: 3,
      completed: 3,
      failed: 0,
      inputTokens: 0,
      outputTokens: 0,
      totalTokens: 1000,
      cost: 50_002,
    })
    expect(await audited(test, { type: 'request' })).toEqual([])
  })

  test('LIM-17 a call counts on the general row of the owner and on its project, on no other', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const blue = await tokens.createToken(OWNER, 'x', { projectId: 'blue' })
    const none = await tokens.createToken(OWNER, 'y')
    const other = await tokens.createToken('user-002', 'z', { projectId: 'blue' })
    await tokens.recordUsage(blue, { usage: { input: 70, cacheRead: 20, output: 10 }, cost: micros(5) })
    await tokens.recordUsage(none, { usage: { input: 1, audioSeconds: 60 }, cost: micros(1) })
    await tokens.recordUsage(other, { usage: { input: 3 }, cost: micros(7) })
    expect(await counters(test)).toEqual({
      '/tokens_per_day': 101,
      '/requests_per_minute': 2,
      '/cost_per_month': 6,
      'blue/tokens_per_day': 100,
      'blue/requests_per_minute': 1,
      'blue/cost_per_month': 5,
    })
    expect(await counters(test, 'user-002')).toMatchObject({ 'blue/tokens_per_day': 3, '/tokens_per_day': 3 })
  })

  test('the server prices what has no cost, by the kind of the provider that is named', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db, { pricing })
    const { id } = await new ProviderCatalog(test.db).create(
      { name: 'house-gpt', kind: 'openai', baseUrl: 'https://api.openai.com', models: ['twin'] },
      ADMIN,
    )
    const token = await principalFor(tokens, await tokens.createToken(OWNER, 'x'))
    const usage = { input: 1_000_000, output: 500_000 }
    const cost = async (facts: CallFacts): Promise<[Microdollars, string]> => {
      const checked = await tokens.checkUsage(token, facts)
      const { call } = await tokens.recordUsage(token, facts)
      expect([checked.cost, checked.pricing]).toEqual([call.cost, call.pricing])
      expect(call.provider).toBe(facts.provider ?? null)
      return [call.cost, call.pricing]
    }
    expect(await cost({ model: 'twin', usage, provider: 'openai' })).toEqual([usd(2), 'price_book'])
    expect(await cost({ model: 'twin', usage, provider: 'anthropic' })).toEqual([usd(20), 'price_book'])
    expect(await cost({ model: 'twin', usage, provider: 'house-gpt' })).toEqual([usd(2), 'price_book'])
    expect(await cost({ model: 'twin', usage, provider: id })).toEqual([usd(2), 'price_book'])
    // Nobody's provider and none at all: the dearest of several.
    expect(await cost({ model: 'twin', usage, provider: 'unheard-of' })).toEqual([usd(20), 'price_book'])
    expect(await cost({ model: 'twin', usage })).toEqual([usd(20), 'price_book'])
    const [unknown, how] = await cost({ model: 'nobody knows', usage })
    expect(unknown).toBeGreaterThan(0)
    expect(how).toBe('ceiling')
    expect(await cost({ model: 'twin', usage, cost: micros(3) })).toEqual([3, 'reported'])
    expect(await cost({ outcome: 'failed', errorCode: 'timeout' })).toEqual([0, 'reported'])
    expect(await cost({ outcome: 'failed', model: 'twin', usage: { input: 1_000_000 }, provider: 'openai' })).toEqual([
      usd(1),
      'price_book',
    ])
  })

  test('VAL-02 VAL-13 bad input is named, counts nothing and is refused before the token is looked at', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const token = await tokens.createToken(OWNER, 'x')
    const faulty: [CallFacts, ...string[]][] = [
      [{}, 'cost'],
      [{ model: 'gpt-4o' }, 'cost'],
      [{ usage: {} }, 'cost'],
      [{ usage: { input: undefined } }, 'cost'],
      [{ usage: { input: 1 } }, 'model'],
      [{ usage: { input: 0 }, outcome: 'failed' }, 'model'],
      [{ cost: micros(-1) }, 'cost'],
      [{ cost: 0.5 as Microdollars }, 'cost'],
      [{ cost: (10 ** 15 + 1) as Microdollars }, 'cost'],
      [{ cost: '1' as never }, 'cost'],
      [
        {
          requestId: 'with space',
          model: '',
          provider: 'x'.repeat(101),
          usage: { input: -1, output: 1.5, cacheRead: '7' as never, dreams: 1 } as never,
          outcome: 'maybe' as never,
          errorCode: '',
          errorMessage: 'a\u0000',
          latencyMs: -1,
          traceId: 'x'.repeat(101),
          at: Number.NaN,
        },
        'requestId',
        'model',
        'provider',
        'usage.input',
        'usage.output',
        'usage.cacheRead',
        'usage.dreams',
        'outcome',
        'errorCode',
        'errorMessage',
        'latencyMs',
        'traceId',
        'at',
      ],
      [{ usage: { input: 1_000_000_001 }, cost: micros(1) }, 'usage.input'],
      [{ usage: 7 as never, cost: micros(1) }, 'usage'],
      [null as never, '$'],
      ['gpt-4o' as never, '$'],
    ]
    for (const [facts, ...paths] of faulty) {
      const fields = Object.fromEntries(paths.map((path) => [path, expect.any(String)]))
      for (const call of [tokens.recordUsage('no such token', facts), tokens.checkUsage(token, facts)]) {
        const error = (await call.catch((thrown: unknown) => thrown)) as { code: string; details: object }
        expect(error).toMatchObject({ code: 'VALIDATION_ERROR' })
        expect(error.details).toEqual({ fields })
      }
    }
    const short: [number, unknown, string][] = [
      [-1, 1, 'tokens'],
      [1.5, 1, 'tokens'],
      [1_000_000_001, 1, 'tokens'],
      [Number.NaN, 1, 'tokens'],
      [1, -1, 'costUsd'],
      [1, Number.NaN, 'costUsd'],
      [1, 'much', 'costUsd'],
      [1, 1_000_000_001, 'costUsd'],
    ]
    for (const [count, cost, path] of short) {
      await expect(tokens.recordUsage(token, count, cost as number)).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        details: { fields: { [path]: expect.any(String) } },
      })
    }
    for (const nobody of [null, {}, { tokenId: 'x' }, 7] as never[]) {
      await expect(tokens.recordUsage(nobody, 1, 1)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    }
    expect(await rowsOf(test)).toBe(0)
    expect(await counters(test)).toEqual({})
  })

  test('what is no fact of a call is not recorded, whoever says it', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { secret, token } = await tokens.issueToken(OWNER, 'x', ADMIN)
    const smuggled = {
      cost: micros(3),
      tokenId: 'tok_other',
      leaseId: 'lease_1',
      billed: false,
      late: true,
      overrun: 1,
    }
    const { call } = await tokens.recordUsage(secret, smuggled as CallFacts)
    expect(call).toMatchObject({ tokenId: token.id, leaseId: null, billed: true, late: false, overrun: 0 })
  })

  test('a secret that does not authenticate is refused with the code of its refusal', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const expiresAt = test.clock.now() + 1
    const expired = await tokens.createToken(OWNER, 'x', { expiresAt })
    const bound = await tokens.createToken(OWNER, 'y', { allowedIps: ['10.0.0.1'] })
    const revoked = await tokens.issueToken(OWNER, 'z', ADMIN)
    await tokens.revokeToken(revoked.token.id, ADMIN)
    const suspended = await tokens.createToken('user-002', 'z')
    await test.rows("UPDATE users SET suspended_at = 1 WHERE id = 'user-002'")
    test.clock.advance(1)
    const refused: [string, object][] = [
      ['no such token', { code: 'UNAUTHORIZED', details: {} }],
      [expired, { code: 'TOKEN_EXPIRED', details: { expired_at: new Date(expiresAt).toISOString() } }],
      [revoked.secret, { code: 'TOKEN_REVOKED' }],
      [suspended, { code: 'ACCOUNT_SUSPENDED' }],
      [bound, { code: 'IP_NOT_ALLOWED' }],
    ]
    for (const [secret, error] of refused) {
      await expect(tokens.recordUsage(secret, 1, 1)).rejects.toMatchObject(error)
      await expect(tokens.checkUsage(secret, { cost: micros(1) })).rejects.toMatchObject(error)
    }
    expect(await rowsOf(test)).toBe(0)
    // A principal was authenticated before: what it used is a fact, whatever has become of it since.
    const owner = { kind: 'api_token', tokenId: revoked.token.id, userId: OWNER, projectId: null } as ApiTokenPrincipal
    expect(await tokens.recordUsage(owner, 1, 1)).toMatchObject({ duplicate: false })
  })

  test('CON-01 CON-02 CON-05 a repeat counts nothing, other content is a conflict, another token another call', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const token = await tokens.createToken(OWNER, 'x', { projectId: 'blue' })
    const other = await tokens.createToken(OWNER, 'y')
    const facts: CallFacts = { requestId: 'r-1', model: 'gpt-4o', usage: { input: 10 }, cost: micros(4) }
    const told = await Promise.all(Array.from({ length: 8 }, () => tokens.recordUsage(token, facts)))
    expect(told.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(new Set(told.map(({ call }) => call.id)).size).toBe(1)
    const counted = await counters(test)
    expect(counted).toMatchObject({ '/requests_per_minute': 1, 'blue/cost_per_month': 4 })
    const conflict = { code: 'IDEMPOTENCY_CONFLICT' }
    for (const changed of [{ cost: micros(5) }, { usage: { input: 11 } }, { model: 'gpt-4' }, { cost: undefined }]) {
      await expect(tokens.recordUsage(token, { ...facts, ...changed })).rejects.toMatchObject(conflict)
      await expect(tokens.checkUsage(token, { ...facts, ...changed })).rejects.toMatchObject(conflict)
    }
    expect(await counters(test)).toEqual(counted)
    expect(await tokens.recordUsage(other, facts)).toMatchObject({ duplicate: false })
    expect(await rowsOf(test)).toBe(2)
  })

  test('DAT-25 a call repeated after its row was pruned is a duplicate for ever', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const token = await tokens.createToken(OWNER, 'x')
    const facts: CallFacts = { requestId: 'r-1', model: 'gpt-4o', usage: { input: 10 } }
    const first = await tokens.recordUsage(token, facts)
    await test.rows(
      `INSERT INTO request_keys (subject_id, request_id, id, payload_hash, lease_id, cost_micros, overrun_micros, pricing, late)
       SELECT subject_id, request_id, id, payload_hash, lease_id, cost_micros, overrun_micros, pricing, late FROM requests`,
    )
    await test.rows('DELETE FROM requests')
    expect(await tokens.recordUsage(token, facts)).toMatchObject({
      duplicate: true,
      call: { id: first.call.id, cost: first.call.cost, pricing: first.call.pricing },
    })
    expect(await tokens.checkUsage(token, facts)).toMatchObject({ allowed: true, cost: first.call.cost })
    await expect(tokens.recordUsage(token, { ...facts, model: 'other' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    expect(await counters(test)).toMatchObject({ '/requests_per_minute': 1 })
  })

  test('LIM-19 usage beyond a limit is recorded and counted, and told which limit is passed', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const limits = new LimitEnforcer(test.db)
    const token = await tokens.createToken(OWNER, 'x', { projectId: 'blue' })
    const general = await limits.create({ ownerId: OWNER, maxCostPerMonth: micros(10) }, ADMIN)
    const label = await limits.create({ ownerId: OWNER, projectId: 'blue', maxTokensPerDay: 100 }, ADMIN)
    const use = async (count: number, cost: number) =>
      (await tokens.recordUsage(token, { usage: { input: count }, cost: micros(cost) })).exceeded
    expect(await use(100, 10)).toBeNull()
    expect(await use(1, 0)).toEqual({
      limitId: label.id,
      window: 'tokens_per_day',
      limit: 100,
      used: 101,
      resetsAt: Date.UTC(2026, 0, 16),
    })
    test.clock.advance(DAY_MS)
    expect(await use(0, 1)).toEqual({
      limitId: general.id,
      window: 'cost_per_month',
      limit: 10,
      used: 11,
      resetsAt: Date.UTC(2026, 1, 1),
    })
    expect(await rowsOf(test)).toBe(3)
    // A repeat is told what is passed now, too.
    const named: CallFacts = { requestId: 'r', cost: micros(1) }
    await tokens.recordUsage(token, named)
    expect(await tokens.recordUsage(token, named)).toMatchObject({
      duplicate: true,
      exceeded: { window: 'cost_per_month', used: 12 },
    })
  })

  test('LIM-20 the check counts and holds nothing', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const token = await principalFor(tokens, await tokens.createToken(OWNER, 'x'))
    await new LimitEnforcer(test.db).create({ ownerId: OWNER, maxRequestsPerMinute: 1, maxTokensPerDay: 50 }, ADMIN)
    await tokens.close()
    const facts: CallFacts = { usage: { input: 40, output: 10 }, cost: micros(1) }
    const before = await test.rows('SELECT * FROM limit_counters')
    for (let asked = 0; asked < 5; asked += 1) {
      expect(await tokens.checkUsage(token, facts)).toEqual({
        allowed: true,
        cost: 1,
        pricing: 'reported',
        exceeded: null,
      })
    }
    expect(await tokens.checkUsage(token, { ...facts, usage: { input: 51 } })).toMatchObject({
      allowed: false,
      exceeded: { window: 'tokens_per_day', used: 0, limit: 50 },
    })
    expect(await test.rows('SELECT * FROM limit_counters')).toEqual(before)
    expect(await rowsOf(test)).toBe(0)
  })

  test('LIM-20 the check of a repeat asks only what is passed already', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const token = await principalFor(tokens, await tokens.createToken(OWNER, 'x'))
    await new LimitEnforcer(test.db).create({ ownerId: OWNER, maxRequestsPerMinute: 1 }, ADMIN)
    const facts: CallFacts = { requestId: 'r-1', cost: micros(1) }
    await tokens.recordUsage(token, facts)
    expect(await tokens.checkUsage(token, facts)).toMatchObject({ allowed: true, exceeded: null })
    expect(await tokens.recordUsage(token, facts)).toMatchObject({ duplicate: true, exceeded: null })
    expect(await tokens.checkUsage(token, { ...facts, requestId: 'r-2' })).toMatchObject({ allowed: false })
  })

  test('LIM-20 the check agrees with what recording the same call reports at that moment', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db, { pricing, maxActivePerOwner: 1_000 })
    const limits = new LimitEnforcer(test.db)
    let owners = 0
    const property = fc.asyncProperty(maxima, fc.option(maxima), calls, async (general, label, told) => {
      owners += 1
      const ownerId = `owner-${owners}`
      const token = await principalFor(tokens, await tokens.createToken(ownerId, 'x', { projectId: 'blue' }))
      if (isLimit(general)) await limits.create({ ownerId, ...general }, ADMIN)
      if (label !== null && isLimit(label)) await limits.create({ ownerId, projectId: 'blue', ...label }, ADMIN)
      for (const { waitMs, facts, repeated } of told) {
        test.clock.advance(waitMs)
        const call = told[repeated ?? -1]?.facts ?? facts
        const before = await counters(test, ownerId)
        const checked = await tokens.checkUsage(token, call).catch(codeOf)
        expect(await counters(test, ownerId)).toEqual(before)
        expectAgreement(checked, await tokens.recordUsage(token, call).catch(codeOf))
      }
    })
    await fc.assert(property, { numRuns: dialect === 'sqlite' ? 150 : 30 })
  })

  test('DAT-10 row and counters commit together: when one fails neither is there', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const token = await principalFor(tokens, await tokens.createToken(OWNER, 'x'))
    await tokens.recordUsage(token, 1, 1)
    const before = await counters(test)
    await test.rows('ALTER TABLE limit_counters RENAME TO gone')
    await expect(tokens.recordUsage(token, 1, 1)).rejects.toThrow(/limit_counters/)
    await test.rows('ALTER TABLE gone RENAME TO limit_counters')
    expect(await rowsOf(test)).toBe(1)
    await test.rows('ALTER TABLE requests RENAME TO gone')
    await expect(tokens.recordUsage(token, 1, 1)).rejects.toThrow(/requests/)
    await test.rows('ALTER TABLE gone RENAME TO requests')
    expect(await counters(test)).toEqual(before)
    // Nothing is audited, so a broken audit log does not stand in the way of a fact.
    await breakAudit(test, true)
    expect(await tokens.recordUsage(token, 1, 1)).toMatchObject({ duplicate: false })
    await breakAudit(test, false)
  })

  test('CON-09 parallel calls lose no count', async () => {
    await using test = await createTestDb({ dialect, storage: 'file' })
    const tokens = tokensOn(test.db)
    const secrets = await Promise.all([1, 2].map((n) => tokens.createToken(OWNER, `x${n}`, { projectId: `p${n}` })))
    const calls = Array.from({ length: 40 }, (_, index) =>
      tokens.recordUsage(secrets[index % 2] as string, index, '0.000003'),
    )
    await Promise.all(calls)
    expect(await counters(test)).toMatchObject({
      '/tokens_per_day': 780,
      '/requests_per_minute': 40,
      '/cost_per_month': 120,
      'p1/tokens_per_day': 380,
      'p2/tokens_per_day': 400,
    })
  })

  test('one service on a path, its own collaborators included, works on one database', async () => {
    await using tokens = new TokenManager(':memory:', { pricing })
    const token = await tokens.createToken(OWNER, 'x')
    const usage = { input: 1_000_000 }
    expect(await tokens.recordUsage(token, { model: 'twin', usage })).toMatchObject({ call: { cost: usd(10) } })
    const { id } = (await tokens.listTokens()).data[0]!
    expect(await tokens.getToken(id)).toMatchObject({ usage: { requests: 1, cost: usd(10) } })
    expect(await verdict(tokens, token)).toBe('ok')
  })

  test('UsageTracker shows the calls of API tokens and no others', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const tracker = new UsageTracker(test.db)
    const blue = await tokens.issueToken(OWNER, 'x', ADMIN, { projectId: 'blue' })
    const other = await tokens.issueToken('user-002', 'y', ADMIN)
    await tokens.recordUsage(blue.secret, {
      requestId: 'r-1',
      model: 'm',
      usage: { input: 1, output: 2 },
      cost: micros(3),
    })
    test.clock.advance(1)
    await tokens.recordUsage(other.secret, { outcome: 'failed', errorCode: 'timeout', cost: micros(4) })
    await test.rows(
      `INSERT INTO requests (id, source, subject_id, request_id, payload_hash, lease_id, model, total_tokens, cost_micros, overrun_micros, pricing, billed, late, at, received_at)
       VALUES ('req_agent', 'agent', 'agent_1', 'r-1', ?, 'lease_1', 'm', 9, 9, 0, 'reported', 1, 0, ?, ?)`,
      'a'.repeat(64),
      test.clock.now(),
      test.clock.now(),
    )
    const all = await tracker.list()
    expect(all.data.map(({ tokenId }) => tokenId)).toEqual([other.token.id, blue.token.id])
    expect(await tracker.totals()).toEqual({
      requests: 2,
      completed: 1,
      failed: 1,
      inputTokens: 1,
      outputTokens: 2,
      totalTokens: 3,
      cost: 7,
    })
    expect(await tracker.totals({ ownerId: OWNER })).toMatchObject({ requests: 1, cost: 3 })
    expect(await tracker.totals({ projectId: 'blue' })).toMatchObject({ requests: 1 })
    expect(await tracker.totals({ tokenId: other.token.id, source: 'api_token' })).toMatchObject({ cost: 4 })
    const first = await tracker.list({}, { limit: 1 })
    expect((await tracker.list({}, { limit: 1, after: first.nextCursor as string })).data).toEqual([all.data[1]])
    for (const filter of [
      { source: 'agent' },
      { agentId: 'agent_1' },
      { source: 'agent', agentId: 'agent_1' },
    ] as const) {
      expect(await tracker.list(filter)).toEqual({ data: [], nextCursor: null })
      expect(await tracker.totals(filter)).toMatchObject({ requests: 0, cost: 0 })
    }
    await test.db.read(async (tx) => expect((await tracker.list({}, { tx })).data).toHaveLength(2))
  })
})
