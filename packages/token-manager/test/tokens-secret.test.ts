import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { createTestDb } from '@iron/database/testing'
import fc from 'fast-check'
import { generateApiToken, hashApiToken } from '../src/index.ts'
import { addressTest, isAddressRange } from '../src/tokens/allowed-ips.ts'
import { hasBrokenChecksum, hintOf, isSecretText } from '../src/tokens/secret.ts'
import { tokensOn, verdict } from './tokens-support.ts'

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

describe('the text of an API token', () => {
  test('SEC-02 256 random bits, no two alike, with the CRC-32 in base 62 that anybody can compute', () => {
    const secrets = Array.from({ length: 2_000 }, generateApiToken)
    expect(new Set(secrets.map((secret) => secret.slice(3, 46))).size).toBe(secrets.length)
    for (const secret of secrets) {
      expect(secret).toMatch(/^at_[\w-]{43}[0-9A-Za-z]{6}$/)
      expect(Buffer.from(secret.slice(3, 46), 'base64url')).toHaveLength(32)
      expect(secret.slice(46)).toBe(base62(crc32(secret.slice(0, 46))))
    }
    // Every bit is used: no position shows fewer than the possible characters.
    for (const place of [0, 10, 20, 30, 41]) {
      expect(new Set(secrets.map((secret) => secret.charAt(3 + place))).size).toBe(64)
    }
  })

  test('a known vector: the checksum of a fixed text does not depend on this code', () => {
    const known = `at_${'A'.repeat(43)}`
    expect(hasBrokenChecksum(`${known}${base62(crc32(known))}`)).toBe(false)
    expect(base62(crc32('123456789'))).toBe(base62(0xcb_f4_39_26))
    expect(base62(0xff_ff_ff_ff)).toBe('4gfFC3')
    expect(base62(61)).toBe('00000z')
  })

  test('hashes are lower-case hex SHA-256', () => {
    const secret = generateApiToken()
    expect(hashApiToken(secret)).toBe(createHash('sha256').update(secret, 'utf8').digest('hex'))
  })

  test('SEC-02 any single-character change is told by the checksum alone, without a query', async () => {
    const db = await createTestDb()
    const tokens = tokensOn(db.db)
    await db.close()
    // The handle is closed: a query would fail, so an answer proves that none was made.
    await expect(tokens.authenticate(generateApiToken())).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 3, max: 51 }), fc.nat(), async (place, pick) => {
        const secret = generateApiToken()
        const alphabet = (place < 46 ? BASE64URL : BASE62).replace(secret.charAt(place), '')
        const changed = secret.slice(0, place) + alphabet.charAt(pick % alphabet.length) + secret.slice(place + 1)
        expect(await tokens.authenticate(changed)).toEqual({ outcome: 'refused', code: 'UNAUTHORIZED' })
      }),
      { numRuns: 500 },
    )
    // Two neighbours swapped, as fingers do.
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 3, max: 50 }), async (place) => {
        const secret = generateApiToken()
        const [a, b] = [secret.charAt(place), secret.charAt(place + 1)]
        const swapped = secret.slice(0, place) + b + a + secret.slice(place + 2)
        fc.pre(a !== b && /^at_[\w-]{43}[0-9A-Za-z]{6}$/.test(swapped))
        expect(await verdict(tokens, swapped)).toBe('UNAUTHORIZED')
      }),
    )
  })

  test.each([
    ['nothing', ''],
    ['more than 512 characters', 'x'.repeat(513)],
    ['a lone surrogate', 'token-\ud800'],
    ['no text', 7],
    ['nothing at all', undefined],
    ['an object', { toString: () => 'x' }],
  ])('AUT-21 %s is unknown without a query', async (_, garbage) => {
    const db = await createTestDb()
    const tokens = tokensOn(db.db)
    await db.close()
    expect(isSecretText(garbage)).toBe(false)
    expect(await tokens.authenticate(garbage as string)).toEqual({ outcome: 'refused', code: 'UNAUTHORIZED' })
    expect(await tokens.verify(garbage as string)).toBe(false)
  })

  test('other forms are looked up: they say nothing by themselves', () => {
    const secret = generateApiToken()
    const others = ['iron_dev_admin_token_001', 'at_short', `${secret}x`, secret.toUpperCase(), ` ${secret}`]
    for (const text of others) expect([isSecretText(text), hasBrokenChecksum(text)]).toEqual([true, false])
  })

  test('SEC-27 a hint shows 7 and 4 characters, and nothing of a short secret', () => {
    expect(hintOf('at_ABCDEFGH-and-more-of-it-wxyz')).toBe('at_ABCD...wxyz')
    expect(hintOf('iron_dev_pm_token_002')).toBe('iron_de..._002')
    expect(hintOf('nineteen-characters')).toBe('***')
    expect(hintOf('👩'.repeat(20))).toBe(`${'👩'.repeat(7)}...${'👩'.repeat(4)}`)
    expect(Array.from(hintOf('👩'.repeat(500))).length).toBeLessThanOrEqual(20)
  })
})

describe('the addresses of an API token', () => {
  test.each([
    // allowed, address, admitted
    [[], undefined, true],
    [[], 'no address', true],
    [['10.1.2.3'], '10.1.2.3', true],
    [['10.1.2.3'], '10.1.2.4', false],
    [['10.1.2.3'], undefined, false],
    [['10.1.2.3'], '', false],
    [['10.1.2.3'], 'localhost', false],
    [['10.1.2.3'], '10.1.2.3:443', false],
    [['10.1.2.3'], '::ffff:10.1.2.3', true],
    [['10.1.2.3'], '::FFFF:0a01:0203', true],
    [['10.1.2.3'], '0:0:0:0:0:ffff:10.1.2.3', true],
    [['10.1.2.3'], '::10.1.2.3', false],
    [['::ffff:10.1.2.3'], '10.1.2.3', true],
    [['::ffff:10.1.2.0/120'], '10.1.2.255', true],
    [['::ffff:10.1.2.0/120'], '10.1.3.0', false],
    [['10.1.2.0/24'], '10.1.2.0', true],
    [['10.1.2.0/24'], '10.1.2.255', true],
    [['10.1.2.0/24'], '10.1.1.255', false],
    [['10.1.2.0/24'], '10.1.3.0', false],
    [['10.1.2.77/24'], '10.1.2.1', true],
    [['10.1.2.4/30'], '10.1.2.7', true],
    [['10.1.2.4/30'], '10.1.2.8', false],
    [['10.1.2.3/32'], '10.1.2.3', true],
    [['10.1.2.3/32'], '10.1.2.2', false],
    [['128.0.0.0/1'], '127.255.255.255', false],
    [['128.0.0.0/1'], '255.255.255.255', true],
    [['0.0.0.0/0'], '8.8.8.8', true],
    [['0.0.0.0/0'], '2001:db8::1', false],
    [['::/0'], '2001:db8::1', true],
    [['::/0'], '8.8.8.8', false],
    [['::/0'], '::ffff:8.8.8.8', false],
    [['2001:db8::1'], '2001:DB8:0:0::1', true],
    [['2001:db8::1'], '2001:db8::2', false],
    [['2001:db8::/32'], '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', true],
    [['2001:db8::/32'], '2001:db9::', false],
    [['2001:db8::/33'], '2001:db8:8000::', false],
    [['2001:db8::/33'], '2001:db8:7fff::', true],
    [['2001:db8::8/125'], '2001:db8::f', true],
    [['2001:db8::8/125'], '2001:db8::7', false],
    [['2001:db8::8/128'], '2001:db8::9', false],
    [['fe80::1'], 'fe80::1%eth0', true],
    [['192.0.2.1', '2001:db8::/64'], '2001:db8::abcd', true],
    [['192.0.2.1', '2001:db8::/64'], '192.0.2.1', true],
    [['192.0.2.1', '2001:db8::/64'], '192.0.2.2', false],
  ] as const)('%j admits %s: %s', (allowed, address, admitted) => {
    expect(allowed.every(isAddressRange)).toBe(true)
    expect(addressTest(allowed)(address)).toBe(admitted)
  })

  test.each([
    '',
    ' 10.1.2.3',
    '10.1.2',
    '10.1.2.256',
    '010.1.2.3',
    '10.1.2.3/33',
    '10.1.2.3/-1',
    '10.1.2.3/08',
    '10.1.2.3/',
    '10.1.2.3/24/24',
    '10.1.2.3/2 4',
    '2001:db8::/129',
    '2001:db8:::1',
    'fe80::1%eth0',
    '::ffff:10.1.2.0/95',
    '::ffff:10.1.2.0/129',
    'example.com',
    '*',
    7,
    null,
  ])('%p is no address and no range', (text) => {
    expect(isAddressRange(text)).toBe(false)
  })

  test('every IPv4 range admits exactly the addresses that share its prefix', () => {
    const address = fc.integer({ min: 0, max: 0xff_ff_ff_ff })
    fc.assert(
      fc.property(
        address,
        address,
        fc.integer({ min: 0, max: 32 }),
        fc.nat({ max: 31 }),
        (network, other, bits, flip) => {
          // Half of the addresses differ from the network in one bit only.
          const asked = other % 2 === 0 ? other : (network ^ (1 << flip)) >>> 0
          const same = bits === 0 || network >>> (32 - bits) === asked >>> (32 - bits)
          const admits = addressTest([`${dotted(network)}/${bits}`])
          expect(admits(dotted(asked))).toBe(same)
          expect(admits(`::ffff:${dotted(asked)}`)).toBe(same)
        },
      ),
    )
  })
})

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')
}

/** CRC-32 bit by bit, as it is defined (reflected polynomial 0xEDB88320). */
function crc32(text: string): number {
  let crc = 0xff_ff_ff_ff
  for (const byte of Buffer.from(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xed_b8_83_20 : 0)
  }
  return (crc ^ 0xff_ff_ff_ff) >>> 0
}

function base62(number: number): string {
  let rest = BigInt(number)
  let digits = ''
  while (digits.length < 6) {
    digits = BASE62.charAt(Number(rest % 62n)) + digits
    rest /= 62n
  }
  return digits
}
