import { createHmac, generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import jsonwebtoken from 'jsonwebtoken'
import { base64url, errorOf, makeManager, NOW_MS, NOW_SECONDS, SECRET, verdict } from './setup.ts'

const goodClaims = {
  agent_id: 'agent_7',
  budget_id: 'budget_7',
  iss: 'iron-control-panel',
  iat: NOW_SECONDS,
  jti: 'ic_1',
  permissions: ['llm:call'],
}

/** A JWT made by hand, whatever it says. */
function handMade(header: unknown, payload: unknown, secret = SECRET, digest = 'sha256'): string {
  const input = `${base64url(header)}.${base64url(payload)}`
  return `${input}.${createHmac(digest, secret).update(input).digest('base64url')}`
}

const header = { alg: 'HS256', typ: 'JWT', kid: 'k1' }

describe('cross-verification with jsonwebtoken', () => {
  test('what jsonwebtoken signs with a text secret is accepted, what we sign it accepts', () => {
    const { tokens } = makeManager()
    const foreign = jsonwebtoken.sign(goodClaims, SECRET, { algorithm: 'HS256', keyid: 'k1' })
    expect(tokens.verify(foreign).claims).toEqual(goodClaims)
    const ours = tokens.issue({ agentId: 'agent_7' })
    const options = { algorithms: ['HS256' as const], complete: true as const, clockTimestamp: NOW_SECONDS }
    const read = jsonwebtoken.verify(ours.jwt, SECRET, options)
    expect(read.header).toEqual(header)
    expect(read.payload).toEqual(ours.claims)
  })

  test('a token made by hand from RFC 7515 alone is accepted', () => {
    expect(verdict(makeManager().tokens, handMade(header, goodClaims))).toBe('accepted')
  })
})

describe('AUT-02, SEC-03 exactly one JWT authenticates', () => {
  const { tokens } = makeManager()
  const { jwt, token } = tokens.issue({ agentId: 'agent_7' })
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

  test('every other base64url character at every position is refused, unused trailing bits included', () => {
    const { tokens: fresh } = makeManager()
    expect(verdict(fresh, jwt)).toBe('accepted')
    for (let at = 0; at < jwt.length; at += 1) {
      const value = alphabet.indexOf(jwt.charAt(at))
      // Each single bit of the character, so that bits that decode to nothing are among them; a dot becomes a letter.
      const flipped = value < 0 ? ['A'] : [1, 2, 4, 8, 16, 32].map((bit) => alphabet.charAt(value ^ bit))
      for (const character of flipped) {
        expect(verdict(fresh, jwt.slice(0, at) + character + jwt.slice(at + 1))).not.toBe('accepted')
      }
    }
  })

  test('every other byte at every position is refused', () => {
    for (let at = 0; at < token.length; at += 1) {
      for (const flip of [0x01, 0x20, 0x80, 0xff]) {
        const character = String.fromCharCode(token.charCodeAt(at) ^ flip)
        expect(verdict(tokens, token.slice(0, at) + character + token.slice(at + 1))).not.toBe('accepted')
      }
    }
  })

  test('every truncation and every added character is refused', () => {
    for (let end = 0; end < jwt.length; end += 1) expect(verdict(tokens, jwt.slice(0, end))).not.toBe('accepted')
    for (const extra of ['A', '=', '.', ' ', '\n', '\0', '.A']) {
      expect(verdict(tokens, jwt + extra)).not.toBe('accepted')
      expect(verdict(tokens, extra + jwt)).not.toBe('accepted')
    }
  })

  test('the prefix is taken once and only as it is', () => {
    expect(verdict(tokens, token)).toBe('accepted')
    expect(verdict(tokens, jwt)).toBe('accepted')
    for (const prefix of ['ic_ic_', 'IC_', 'Ic_', ' ic_', 'ic_ ', 'at_', 'Bearer ']) {
      expect(verdict(tokens, prefix + jwt)).not.toBe('accepted')
    }
    expect(verdict(tokens, token.toUpperCase())).not.toBe('accepted')
  })
})

describe('the order of the checks', () => {
  const { tokens } = makeManager({ keys: [{ kid: 'k1', secret: SECRET }] })

  test('TOO_LONG comes first and counts without ic_: 2000 pass on, 2001 do not', () => {
    expect(verdict(tokens, `ic_${'a'.repeat(2000)}`)).toBe('MALFORMED')
    expect(verdict(tokens, 'a'.repeat(2001))).toBe('TOO_LONG')
    expect(verdict(tokens, '.'.repeat(10_000_000))).toBe('TOO_LONG')
  })

  test.each([
    undefined,
    null,
    7,
    {},
    [],
    '',
    'ic_',
    'a.b',
    'a.b.c.d',
    '..',
    'a..c',
    '.b.c',
    'a b.c.d',
    'a.b.c=',
    'ä.b.c',
    'at_abc',
    `${base64url('not json')}.e30.x`,
    `${base64url('null')}.e30.x`,
    `${base64url([])}.e30.x`,
    `${base64url('7')}.e30.x`,
    `${base64url({ ...header, crit: ['exp'] })}.e30.x`,
  ])('MALFORMED: %p', (token) => {
    expect(verdict(tokens, token)).toBe('MALFORMED')
  })

  test('SEC-23 the algorithm is fixed: BAD_ALGORITHM, also when the signature would be right for it', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const swapped = [
      `${base64url({ alg: 'none', kid: 'k1' })}.${base64url(goodClaims)}.`,
      handMade({ ...header, alg: 'HS384' }, goodClaims, SECRET, 'sha384'),
      handMade({ ...header, alg: 'HS512' }, goodClaims, SECRET, 'sha512'),
      handMade({ ...header, alg: 'RS256' }, goodClaims),
      jsonwebtoken.sign(goodClaims, privateKey, { algorithm: 'RS256', keyid: 'k1' }),
      ...['hs256', 'HS256 ', 'None', '', null, ['HS256'], undefined, 1].map((alg) =>
        handMade({ ...header, alg }, goodClaims),
      ),
      // The algorithm is judged before the key.
      handMade({ alg: 'none', kid: 'gone' }, goodClaims),
    ]
    for (const token of swapped) expect(verdict(tokens, token)).toBe('BAD_ALGORITHM')
  })

  test('SEC-22 an unknown key id is refused before its signature is looked at', () => {
    for (const kid of ['k2', 'K1', '', null, 1, ['k1'], '__proto__']) {
      expect(verdict(tokens, handMade({ ...header, kid }, goodClaims))).toBe('UNKNOWN_KEY')
    }
  })

  test('AUT-02 a foreign key under our key id is BAD_SIGNATURE, whatever the claims are', () => {
    expect(verdict(tokens, handMade(header, goodClaims, 'f'.repeat(32)))).toBe('BAD_SIGNATURE')
    expect(verdict(tokens, handMade(header, { iss: 'other', exp: 0 }, 'f'.repeat(32)))).toBe('BAD_SIGNATURE')
    expect(verdict(tokens, handMade(header, 'not json'))).toBe('BAD_SIGNATURE')
    expect(verdict(tokens, `${base64url(header)}.${base64url(goodClaims)}.`)).toBe('BAD_SIGNATURE')
  })

  test('AUT-03 session and refresh JWTs, even of the same key, are no IC tokens', () => {
    const session = { sub: 'user_1', sid: 'sess_1', jti: 'x', iat: NOW_SECONDS, exp: NOW_SECONDS + 3600 }
    for (const typ of ['access', 'refresh']) {
      expect(verdict(tokens, handMade(header, { ...session, typ, role: 'admin' }))).toBe('BAD_ISSUER')
      expect(verdict(tokens, handMade(header, { ...session, typ, iss: 'iron-control-panel' }))).toBe('BAD_CLAIMS')
    }
  })

  test.each(['Iron-Control-Panel', '', null, undefined, ['iron-control-panel'], 1])(
    'issuer %p is BAD_ISSUER',
    (iss) => {
      expect(verdict(tokens, handMade(header, { ...goodClaims, iss, agent_id: 7 }))).toBe('BAD_ISSUER')
    },
  )

  test.each(['[]', '"text"', '7', 'true'])('the payload %s has no issuer', (payload) => {
    expect(verdict(tokens, handMade(header, payload))).toBe('BAD_ISSUER')
  })

  test('claim shapes come before times, the issue time before the expiry', () => {
    const late = { ...goodClaims, iat: NOW_SECONDS + 1000, exp: 1 }
    expect(verdict(tokens, handMade(header, { ...late, agent_id: '' }))).toBe('BAD_CLAIMS')
    expect(verdict(tokens, handMade(header, late))).toBe('NOT_YET_VALID')
    expect(verdict(tokens, handMade(header, { ...late, iat: NOW_SECONDS }))).toBe('EXPIRED')
  })
})

describe('SEC-13 malformed claims are refused and never mapped to another agent', () => {
  const { tokens } = makeManager()
  const badIds = [
    0,
    1,
    -1,
    2 ** 64,
    1.5,
    '',
    null,
    undefined,
    true,
    [],
    ['agent_7'],
    {},
    'a\0b',
    'a\nb',
    '\ud800',
    'x'.repeat(256),
  ]
  const bad: Record<string, readonly unknown[]> = {
    agent_id: badIds,
    budget_id: badIds,
    jti: badIds,
    iat: ['1', null, undefined, -1, 1.5, 2 ** 60, [], {}],
    exp: ['9999999999', null, -1, 1.5, 2 ** 60, [], {}],
    permissions: [null, undefined, 'llm:call', {}, [1], [''], [null], ['llm:call', ['x']]],
  }
  for (const [claim, values] of Object.entries(bad)) {
    test.each(values.map((value) => [value]))(`${claim} = %p`, (value) => {
      expect(verdict(tokens, handMade(header, { ...goodClaims, [claim]: value }))).toBe('BAD_CLAIMS')
    })
  }

  test.each(['agent_x', 'user_1', '0', '-1', '18446744073709551616', 'AGENT_7', 'agent_7 '])(
    'the id %p stays exactly what it is',
    (agent_id) => {
      expect(tokens.verify(handMade(header, { ...goodClaims, agent_id })).claims.agent_id).toBe(agent_id)
    },
  )

  test('ids count code points: 255 emoji pass, 256 do not', () => {
    expect(verdict(tokens, handMade(header, { ...goodClaims, agent_id: '🔑'.repeat(255) }))).toBe('accepted')
    expect(verdict(tokens, handMade(header, { ...goodClaims, agent_id: '🔑'.repeat(256) }))).toBe('BAD_CLAIMS')
  })

  test('unknown claims are dropped', () => {
    const { claims } = tokens.verify(handMade(header, { ...goodClaims, role: 'admin', owner: 'x' }))
    expect(claims).toEqual(goodClaims)
  })
})

describe('AUT-04 times', () => {
  test('a token expires at its second exactly, also after it was verified once', () => {
    const { tokens, clock } = makeManager()
    const token = tokens.issue({ agentId: 'a', expiresAt: NOW_MS + 5000 }).token
    clock.ms = NOW_MS + 4999
    expect(verdict(tokens, token)).toBe('accepted')
    clock.ms = NOW_MS + 5000
    expect(verdict(tokens, token)).toBe('EXPIRED')
    expect(verdict(makeManager({ clock }).tokens, token)).toBe('EXPIRED')
    clock.ms = NOW_MS + 4999
    expect(verdict(tokens, token)).toBe('accepted')
  })

  test('issued 60 s ahead is accepted, 61 s ahead is not, also when remembered', () => {
    const { tokens, clock } = makeManager()
    const ahead = (seconds: number) => handMade(header, { ...goodClaims, iat: NOW_SECONDS + seconds })
    expect(verdict(tokens, ahead(60))).toBe('accepted')
    expect(verdict(tokens, ahead(61))).toBe('NOT_YET_VALID')
    clock.ms -= 1
    expect(verdict(tokens, ahead(60))).toBe('NOT_YET_VALID')
  })

  test('the skew is configurable', () => {
    const { tokens } = makeManager({ maxSkewSeconds: 0 })
    expect(verdict(tokens, handMade(header, goodClaims))).toBe('accepted')
    expect(verdict(tokens, handMade(header, { ...goodClaims, iat: NOW_SECONDS + 1 }))).toBe('NOT_YET_VALID')
  })

  test('a clock that cannot be read refuses', () => {
    const { tokens } = makeManager({ clock: { now: () => NaN } })
    expect(verdict(tokens, handMade(header, goodClaims))).toBe('NOT_YET_VALID')
  })

  test('nbf is not ours and changes nothing', () => {
    expect(verdict(makeManager().tokens, handMade(header, { ...goodClaims, nbf: NOW_SECONDS + 9999 }))).toBe('accepted')
  })
})

describe('SEC-22 rotation', () => {
  const [older, newer] = ['o'.repeat(32), 'n'.repeat(32)]
  const before = makeManager({ keys: [{ kid: 'old', secret: older }] }).tokens
  const during = makeManager({
    keys: [
      { kid: 'new', secret: newer },
      { kid: 'old', secret: older },
    ],
  }).tokens
  const after = makeManager({ keys: [{ kid: 'new', secret: newer }] }).tokens

  test('old tokens verify until their key is removed; new ones carry the new key id', () => {
    const old = before.issue({ agentId: 'a' }).token
    const fresh = during.issue({ agentId: 'a' })
    expect(during.verify(old).kid).toBe('old')
    expect([fresh.kid, during.verify(fresh.token).kid]).toEqual(['new', 'new'])
    expect(verdict(after, old)).toBe('UNKNOWN_KEY')
    expect(verdict(after, fresh.token)).toBe('accepted')
  })

  test('without kid every key is tried', () => {
    const bare = { alg: 'HS256', typ: 'JWT' }
    expect(during.verify(handMade(bare, goodClaims, newer)).kid).toBe('new')
    expect(during.verify(handMade(bare, goodClaims, older)).kid).toBe('old')
    expect(verdict(during, handMade(bare, goodClaims, 'x'.repeat(32)))).toBe('BAD_SIGNATURE')
  })

  test("a key id does not lend another key's signature", () => {
    expect(verdict(during, handMade({ ...header, kid: 'new' }, goodClaims, older))).toBe('BAD_SIGNATURE')
  })
})

describe('AUT-21, SEC-28 refusals', () => {
  test('every refusal has the same text and no details', () => {
    const { tokens } = makeManager()
    const refused = [
      'x'.repeat(3000),
      'x',
      handMade({ alg: 'none' }, goodClaims),
      handMade({ ...header, kid: 'k9' }, goodClaims),
      handMade(header, goodClaims, 'f'.repeat(32)),
      handMade(header, {}),
      handMade(header, { ...goodClaims, jti: 1 }),
      handMade(header, { ...goodClaims, iat: NOW_SECONDS + 61 }),
      handMade(header, { ...goodClaims, exp: NOW_SECONDS }),
    ].map((token) => errorOf(() => tokens.verify(token)))
    expect(refused.map((error) => error.code)).toEqual([
      'TOO_LONG',
      'MALFORMED',
      'BAD_ALGORITHM',
      'UNKNOWN_KEY',
      'BAD_SIGNATURE',
      'BAD_ISSUER',
      'BAD_CLAIMS',
      'NOT_YET_VALID',
      'EXPIRED',
    ])
    expect(new Set(refused.map((error) => error.message)).size).toBe(1)
    for (const error of refused) {
      expect([error.details, error.retryable, error.cause]).toEqual([{}, false, undefined])
    }
  })

  test('garbage of any kind is refused with an IcTokenError', () => {
    const { tokens } = makeManager()
    const jwtLike = fc.tuple(fc.json(), fc.json(), fc.base64String()).map((parts) => parts.map(base64url).join('.'))
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string({ unit: 'binary' }), jwtLike), (value) => {
        expect(verdict(tokens, value)).not.toBe('accepted')
      }),
    )
  })
})

test('SEC-01 printing the manager shows no key', () => {
  const { tokens } = makeManager()
  const printed = inspect(tokens, { depth: 9, showHidden: true }) + JSON.stringify(tokens)
  expect(printed).not.toContain(SECRET)
  expect(printed).not.toMatch(/6b 6b/)
})
