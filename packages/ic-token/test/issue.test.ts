import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { DEFAULT_PERMISSIONS, hashIcToken, IcTokenManager, matchesHash, type IcTokenKey } from '../src/index.ts'
import { errorOf, makeManager, NOW_MS, NOW_SECONDS, SECRET } from './setup.ts'

type Input = Parameters<IcTokenManager['issue']>[0]

describe('issue', () => {
  test('fills in what is left out', () => {
    const { tokens } = makeManager()
    const { token, jwt, hash, kid, claims } = tokens.issue({ agentId: 'agent_7' })
    expect(token).toBe(`ic_${jwt}`)
    expect(hash).toBe(createHash('sha256').update(jwt).digest('hex'))
    expect(kid).toBe('k1')
    expect(claims).toEqual({
      agent_id: 'agent_7',
      budget_id: 'budget_7',
      iss: 'iron-control-panel',
      iat: NOW_SECONDS,
      jti: expect.stringMatching(/^ic_[0-9a-f-]{36}$/),
      permissions: ['llm:call', 'analytics:write'],
    })
    expect('exp' in claims).toBe(false)
    expect(DEFAULT_PERMISSIONS).toEqual(['llm:call', 'analytics:write'])
  })

  test('takes what is given; an expiry is cut to the whole second', () => {
    const { tokens } = makeManager()
    const permissions = ['llm:call']
    const given = { agentId: 'seven', budgetId: 'b', id: 'ic_9', permissions, expiresAt: NOW_MS + 1999 }
    const { claims } = tokens.issue(given)
    permissions.push('everything')
    expect(claims).toEqual({
      agent_id: 'seven',
      budget_id: 'b',
      iss: 'iron-control-panel',
      iat: NOW_SECONDS,
      exp: NOW_SECONDS + 1,
      jti: 'ic_9',
      permissions: ['llm:call'],
    })
    expect(tokens.issue({ agentId: 'seven' }).claims.budget_id).toBe('budget_seven')
  })

  test('AUT-11, SEC-11 two tokens of the same millisecond differ, and so do their hashes', () => {
    const { tokens } = makeManager()
    const [first, second] = [tokens.issue({ agentId: 'a' }), tokens.issue({ agentId: 'a' })]
    expect(first.token).not.toBe(second.token)
    expect(matchesHash(first.token, second.hash)).toBe(false)
  })

  test('the time comes from the clock alone, also when it is 0', () => {
    const { tokens, clock } = makeManager()
    clock.ms = 0
    const issued = tokens.issue({ agentId: 'a', id: 'x' })
    expect(tokens.verify(issued.token).claims.iat).toBe(0)
    expect(tokens.issue({ agentId: 'a', id: 'x' }).token).toBe(issued.token)
  })

  test('without a clock the system clock is used', () => {
    const tokens = new IcTokenManager({ keys: [{ kid: 'k1', secret: SECRET }] })
    const age = Date.now() / 1000 - tokens.verify(tokens.issue({ agentId: 'a' }).token).claims.iat
    expect(age).toBeGreaterThanOrEqual(0)
    expect(age).toBeLessThan(60)
  })

  test('results are frozen throughout', () => {
    const { tokens } = makeManager()
    const issued = tokens.issue({ agentId: 'a' })
    for (const result of [issued, tokens.verify(issued.token)]) {
      expect([result, result.claims, result.claims.permissions].every(Object.isFrozen)).toBe(true)
    }
  })

  const faulty: [string, unknown, string[]][] = [
    ['no agent', {}, ['agentId']],
    ['a number as agent', { agentId: 7, budgetId: 'b' }, ['agentId']],
    [
      'everything at once (VAL-02)',
      { agentId: '', budgetId: '', id: '\0', permissions: [1], expiresAt: NaN },
      ['agentId', 'budgetId', 'id', 'expiresAt', 'permissions'],
    ],
    ['an expiry now', { agentId: 'a', expiresAt: NOW_MS }, ['expiresAt']],
    ['an expiry in this second', { agentId: 'a', expiresAt: NOW_MS + 999 }, ['expiresAt']],
    ['permissions as text', { agentId: 'a', permissions: 'llm:call' }, ['permissions']],
    ['256 characters', { agentId: 'a', id: 'x'.repeat(256) }, ['id']],
  ]
  test.each(faulty)('refuses %s', (_name, input, fields) => {
    const error = errorOf(() => makeManager().tokens.issue(input as Input))
    expect(error.code).toBe('BAD_CLAIMS')
    expect(Object.keys(error.details.fields as object).sort()).toEqual([...fields].sort())
  })

  test('refuses what would be longer than verify accepts', () => {
    const permissions = Array.from({ length: 200 }, (_, index) => `permission:${index}`)
    expect(errorOf(() => makeManager().tokens.issue({ agentId: 'a', permissions })).code).toBe('TOO_LONG')
  })

  test('whatever is issued is verified, with the same claims', () => {
    const { tokens } = makeManager()
    const id = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((text) => text.isWellFormed() && !/\p{Cc}/u.test(text))
    const input = fc.record(
      {
        agentId: id,
        budgetId: id,
        id,
        permissions: fc.array(id, { maxLength: 3 }),
        expiresAt: fc.integer({ min: NOW_MS + 1000, max: 4e12 }),
      },
      { requiredKeys: ['agentId'] },
    )
    fc.assert(
      fc.property(input, (given) => {
        const issued = tokens.issue(given)
        expect(tokens.verify(issued.token)).toEqual(issued)
        expect(matchesHash(issued.token, issued.hash)).toBe(true)
      }),
    )
  })
})

describe('SEC-11 hashes', () => {
  const { tokens } = makeManager()
  const issued = tokens.issue({ agentId: 'agent_7' })

  test('are those of the JWT, given with or without ic_', () => {
    expect(hashIcToken(issued.jwt)).toBe(issued.hash)
    expect(hashIcToken(issued.token)).toBe(issued.hash)
    expect(matchesHash(issued.jwt, issued.hash)).toBe(true)
    // FIPS 180-2, SHA-256 of "abc".
    expect(hashIcToken('ic_abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  test.each([
    ['a changed digit', (hash: string) => (hash.startsWith('0') ? '1' : '0') + hash.slice(1)],
    ['upper case', (hash: string) => `${hash.slice(0, -1).toUpperCase()}A`],
    ['a part', (hash: string) => hash.slice(0, 63)],
    ['more', (hash: string) => `${hash}0`],
    ['nothing', () => ''],
    ['null', () => null as unknown as string],
  ])('%s is not equal', (_name, change) => {
    expect(matchesHash(issued.token, change(issued.hash))).toBe(false)
  })

  test('no token has no hash', () => {
    expect(matchesHash(undefined as unknown as string, issued.hash)).toBe(false)
    // The text of such a list has the form of a hash.
    expect(matchesHash(issued.token, [issued.hash] as unknown as string)).toBe(false)
  })
})

describe('SEC-21 keys', () => {
  const make = (keys: unknown) => errorOf(() => new IcTokenManager({ keys: keys as [IcTokenKey] }))

  test('31 bytes are too few, 32 enough, counted in bytes', () => {
    const error = make([{ kid: 'k1', secret: 'x'.repeat(31) }])
    expect(error.code).toBe('WEAK_SECRET')
    expect(error.details.fields).toEqual({ 'keys[0].secret': 'must have at least 32 bytes' })
    expect(make([{ kid: 'k1', secret: new Uint8Array(31) }]).code).toBe('WEAK_SECRET')
    expect(new IcTokenManager({ keys: [{ kid: 'k1', secret: 'ä'.repeat(16) }] })).toBeInstanceOf(IcTokenManager)
    expect(new IcTokenManager({ keys: [{ kid: 'k1', secret: new Uint8Array(32) }] })).toBeInstanceOf(IcTokenManager)
  })

  test.each([
    ['no keys', [], { keys: 'must hold at least one key' }],
    ['no list', undefined, { keys: 'must hold at least one key' }],
    ['an empty kid', [{ kid: '', secret: SECRET }], { 'keys[0].kid': 'must be text of 1 to 64 characters' }],
    ['a long kid', [{ kid: 'k'.repeat(65), secret: SECRET }], { 'keys[0].kid': 'must be text of 1 to 64 characters' }],
    [
      'a kid twice',
      [
        { kid: 'a', secret: SECRET },
        { kid: 'a', secret: SECRET },
      ],
      { 'keys[1].kid': 'is used twice' },
    ],
  ])('%s is refused', (_name, keys, fields) => {
    const error = make(keys)
    expect(error.code).toBe('UNKNOWN_KEY')
    expect(error.details.fields).toEqual(fields)
  })

  test('all faults are named at once and no secret is among them', () => {
    const error = make([{ kid: '', secret: 'short-secret' }, null])
    expect(error.code).toBe('WEAK_SECRET')
    expect(Object.keys(error.details.fields as object)).toEqual([
      'keys[0].kid',
      'keys[0].secret',
      'keys[1].kid',
      'keys[1].secret',
    ])
    expect(JSON.stringify(error)).not.toContain('short-secret')
  })

  test.each([-1, NaN, Infinity, '60'])('maxSkewSeconds %p is refused', (maxSkewSeconds) => {
    const error = errorOf(() => makeManager({ maxSkewSeconds: maxSkewSeconds as number }))
    expect(error.code).toBe('BAD_CLAIMS')
  })

  test("later changes of the caller's bytes change nothing", () => {
    const secret = new Uint8Array(32).fill(7)
    const { tokens } = makeManager({ keys: [{ kid: 'k1', secret }] })
    const { token } = tokens.issue({ agentId: 'a' })
    secret.fill(0)
    expect(tokens.verify(token).claims.agent_id).toBe('a')
  })
})
