import { hkdfSync, webcrypto } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { openIpToken, sealIpToken, type IpTokenBinding } from '../src/index.ts'
import { deriveKey } from '../src/ip-token.ts'
import { codeOf, errorOf, flips, hex, zeroedDuring } from './setup.ts'

const SECRET = 'sk-canary-0123456789'
const binding: IpTokenBinding = {
  icToken: 'ic_eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl',
  agentId: 'agent_7',
  leaseId: 'lease_1',
  providerId: 'prov_openai',
}

describe('RFC 5869 appendix A, the SHA-256 cases', () => {
  test.each([
    {
      id: 'A.1',
      ikm: '0b'.repeat(22),
      salt: '000102030405060708090a0b0c',
      info: 'f0f1f2f3f4f5f6f7f8f9',
      okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    },
    {
      id: 'A.3',
      ikm: '0b'.repeat(22),
      salt: '',
      info: '',
      okm: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    },
  ])('$id: our 32 bytes are the first 32 of the published ones', ({ ikm, salt, info, okm }) => {
    expect(Buffer.from(deriveKey(hex(ikm), hex(salt), hex(info))).toString('hex')).toBe(okm.slice(0, 64))
  })
})

describe('SEC-15 the IP token', () => {
  test('opens for its IC token (with or without ic_), agent, lease and provider', () => {
    const token = sealIpToken(SECRET, binding)
    expect(openIpToken(token, binding)).toBe(SECRET)
    expect(openIpToken(token, { ...binding, icToken: binding.icToken.slice(3) })).toBe(SECRET)
  })

  test('has the form AES256:<iv>:<ciphertext>:<tag>', () => {
    const [scheme, iv, ciphertext, tag, ...rest] = sealIpToken(SECRET, binding).split(':')
    expect([scheme, rest]).toEqual(['AES256', []])
    expect([iv, ciphertext, tag].map((part) => Buffer.from(part!, 'base64').length)).toEqual([12, SECRET.length, 16])
    expect([iv, ciphertext, tag].every((part) => /^[A-Za-z0-9+/]+=*$/.test(part!))).toBe(true)
  })

  test('is opened by another implementation that follows http-api 4.9.3 (Web Crypto)', async () => {
    const [, iv, ciphertext, tag] = sealIpToken(SECRET, binding)
      .split(':')
      .map((part) => Buffer.from(part, 'base64'))
    const ikm = await webcrypto.subtle.importKey('raw', Buffer.from(binding.icToken.slice(3)), 'HKDF', false, [
      'deriveKey',
    ])
    const derivation = {
      name: 'HKDF',
      hash: 'SHA-256',
      salt: Buffer.from('lease_1'),
      info: Buffer.from('iron/ip-token/v1'),
    }
    const key = await webcrypto.subtle.deriveKey(derivation, ikm, { name: 'AES-GCM', length: 256 }, false, ['decrypt'])
    const algorithm = { name: 'AES-GCM', iv: iv!, additionalData: Buffer.from('agent_7|lease_1|prov_openai') }
    const opened = await webcrypto.subtle.decrypt(algorithm, key, Buffer.concat([ciphertext!, tag!]))
    expect(Buffer.from(opened).toString()).toBe(SECRET)
  })

  test('round trip for every key and binding', () => {
    const id = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => text.isWellFormed() && !text.includes('|'))
    const anyBinding = fc.record({ icToken: id.map((text) => `ic_${text}`), agentId: id, leaseId: id, providerId: id })
    const secret = fc.string({ minLength: 1, maxLength: 200 }).filter((text) => !text.includes(' '))
    fc.assert(
      fc.property(secret, anyBinding, (key, bound) => {
        expect(openIpToken(sealIpToken(key, bound), bound)).toBe(key)
      }),
    )
  })

  test('two for the same key differ in every part', () => {
    const tokens = Array.from({ length: 500 }, () => sealIpToken(SECRET, binding).split(':'))
    for (const part of [1, 2, 3]) expect(new Set(tokens.map((token) => token[part])).size).toBe(500)
  })

  test('every flipped byte fails with one error', () => {
    const token = sealIpToken(SECRET, binding)
    const errors = Array.from(flips(token), (flipped) => errorOf(() => openIpToken(flipped, binding)))
    expect(errors).toHaveLength(token.length * 8)
    const shown = errors.map(({ code, message, details, cause }) => JSON.stringify([code, message, details, cause]))
    expect([...new Set(shown)]).toEqual([JSON.stringify(['DECRYPT_FAILED', 'The value cannot be opened', {}, null])])
  })

  test('every flipped byte of the binding fails with the same error', () => {
    const token = sealIpToken(SECRET, binding)
    for (const part of Object.keys(binding) as (keyof IpTokenBinding)[]) {
      const value = part === 'icToken' ? binding.icToken.slice(3) : binding[part]
      for (const flipped of flips(value)) {
        expect(codeOf(() => openIpToken(token, { ...binding, [part]: flipped }))).toBe('DECRYPT_FAILED')
      }
    }
  })

  test('SEC-17 parts of two tokens do not mix, ids do not change places', () => {
    const [one, two] = [sealIpToken(SECRET, binding), sealIpToken(SECRET, binding)]
    for (const part of [1, 2, 3]) {
      const mixed = one.split(':').with(part, two.split(':')[part]!).join(':')
      expect(codeOf(() => openIpToken(mixed, binding))).toBe('DECRYPT_FAILED')
    }
    const swapped = { ...binding, agentId: binding.providerId, providerId: binding.agentId }
    expect(codeOf(() => openIpToken(one, swapped))).toBe('DECRYPT_FAILED')
  })

  test.each([
    ['nothing', ''],
    ['no parts', 'AES256'],
    ['three parts', 'AES256:AAAAAAAAAAAAAAAA:AA=='],
    ['five parts', 'AES256:AAAAAAAAAAAAAAAA:AA==:AAAAAAAAAAAAAAAAAAAAAA==:'],
    ['empty parts', 'AES256:::'],
    ['another scheme', 'aes256:AAAAAAAAAAAAAAAA:AA==:AAAAAAAAAAAAAAAAAAAAAA=='],
    ['a huge text', `AES256:${':'.repeat(5_000_000)}`],
    ['null', null],
    ['a number', 7],
  ])('%s is refused', (_name, token) => {
    expect(codeOf(() => openIpToken(token as string, binding))).toBe('DECRYPT_FAILED')
  })

  test('every other text for the same bytes is refused', () => {
    const token = sealIpToken(SECRET, binding)
    const others = [
      `${token}\n`,
      ` ${token}`,
      `${token}:`,
      token.replace(/=+$/, ''),
      `${token}=`,
      token.replaceAll('=', ''),
    ]
    for (const other of others) expect(codeOf(() => openIpToken(other, binding))).toBe('DECRYPT_FAILED')
  })
})

describe('what may be sealed', () => {
  test('4096 characters, not 4097', () => {
    const longest = 'x'.repeat(4096)
    expect(openIpToken(sealIpToken(longest, binding), binding)).toBe(longest)
    expect(codeOf(() => sealIpToken(`${longest}x`, binding))).toBe('SECRET_TOO_LONG')
  })

  test.each(['', 'sk secret', 'schlüssel', undefined])('the key %p is refused', (key) => {
    expect(codeOf(() => sealIpToken(key as string, binding))).toBe('INVALID_FORMAT')
  })

  test('all faults of a binding are named at once', () => {
    const faulty = { icToken: 'ic_', agentId: '', leaseId: 'a|b', providerId: '\udc00' }
    const error = errorOf(() => sealIpToken(SECRET, faulty))
    expect(error.code).toBe('INVALID_FORMAT')
    const names = ['binding.icToken', 'binding.agentId', 'binding.leaseId', 'binding.providerId']
    expect(Object.keys(error.details.fields as object)).toEqual(names)
    expect(codeOf(() => sealIpToken(SECRET, undefined as unknown as IpTokenBinding))).toBe('INVALID_FORMAT')
    expect(codeOf(() => openIpToken(sealIpToken(SECRET, binding), faulty))).toBe('DECRYPT_FAILED')
  })

  test('ids that would be authenticated by the same bytes are refused', () => {
    for (const ids of [{ agentId: 'agent_7|lease_1' }, { providerId: 'lease_1|prov' }]) {
      expect(codeOf(() => sealIpToken(SECRET, { ...binding, ...ids }))).toBe('INVALID_FORMAT')
    }
  })
})

test('SEC-01 the provider key, the IC token and the derived key are zeroed after use', () => {
  const jwt = binding.icToken.slice(3)
  const derived = Buffer.from(hkdfSync('sha256', jwt, 'lease_1', 'iron/ip-token/v1', 32)).toString('latin1')
  const token = sealIpToken(SECRET, binding)
  for (const work of [() => sealIpToken(SECRET, binding), () => openIpToken(token, binding)]) {
    expect(zeroedDuring(work)).toEqual(expect.arrayContaining([SECRET, jwt, derived]))
  }
})
