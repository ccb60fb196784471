import { createCipheriv, webcrypto } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { generateMasterKey, SecretVault, type SealedSecret } from '../src/index.ts'
import { codeOf, errorOf, flips, zeroedDuring } from './setup.ts'

const oldKey = { id: 'k1', key: generateMasterKey() }
const newKey = { id: 'k2', key: generateMasterKey() }
const vault = new SecretVault([oldKey])
const SECRET = 'sk-canary-0123456789'
const CONTEXT = 'key_1|prov_1'
const visibleAscii = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 4096,
})

describe('seal and open', () => {
  test('round trip for every secret and context', () => {
    const context = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.isWellFormed())
    fc.assert(
      fc.property(visibleAscii, context, (secret, where) => {
        const sealed = vault.seal(secret, where)
        expect(vault.open(sealed, where)).toBe(secret)
        expect(codeOf(() => vault.open(sealed, `${where}x`))).toBe('DECRYPT_FAILED')
      }),
    )
  })

  test('the form: key id, 12-byte nonce, ciphertext with a 16-byte tag, standard base64', () => {
    const sealed = vault.seal(SECRET, CONTEXT)
    expect(Object.keys(sealed)).toEqual(['keyId', 'nonce', 'ciphertext'])
    expect(sealed.keyId).toBe('k1')
    expect(Buffer.from(sealed.nonce, 'base64')).toHaveLength(12)
    expect(Buffer.from(sealed.ciphertext, 'base64')).toHaveLength(SECRET.length + 16)
    expect(sealed.ciphertext).toMatch(/^[A-Za-z0-9+/]+=*$/)
    expect(Object.isFrozen(sealed)).toBe(true)
    expect(JSON.stringify(sealed)).not.toContain(SECRET)
  })

  test('another implementation of AES-256-GCM (Web Crypto) opens it', async () => {
    const sealed = vault.seal(SECRET, CONTEXT)
    const key = await webcrypto.subtle.importKey('raw', Buffer.from(oldKey.key), 'AES-GCM', false, ['decrypt'])
    const algorithm = { name: 'AES-GCM', iv: Buffer.from(sealed.nonce, 'base64'), additionalData: Buffer.from(CONTEXT) }
    const opened = await webcrypto.subtle.decrypt(algorithm, key, Buffer.from(sealed.ciphertext, 'base64'))
    expect(Buffer.from(opened).toString()).toBe(SECRET)
  })

  test('sealing twice gives two values', () => {
    const sealed = Array.from({ length: 1000 }, () => vault.seal(SECRET, CONTEXT))
    expect(new Set(sealed.map(({ nonce }) => nonce)).size).toBe(1000)
    expect(new Set(sealed.map(({ ciphertext }) => ciphertext)).size).toBe(1000)
  })

  test('4096 characters are sealed, 4097 are not', () => {
    const longest = 'x'.repeat(4096)
    expect(vault.open(vault.seal(longest, CONTEXT), CONTEXT)).toBe(longest)
    const error = errorOf(() => vault.seal(`${longest}x`, CONTEXT))
    expect([error.code, error.details]).toEqual([
      'SECRET_TOO_LONG',
      { fields: { secret: 'must be at most 4096 characters' } },
    ])
  })

  test.each(['', ' ', 'sk secret', 'sk\n', '\0', 'schlüssel', '🔑', '\x7f', undefined, null, 7, {}])(
    'the secret %p is refused and not repeated in the error',
    (secret) => {
      const error = errorOf(() => vault.seal(secret as string, CONTEXT))
      expect(error.code).toBe('INVALID_FORMAT')
      expect(error.details.fields).toEqual({ secret: 'must be 1 to 4096 visible ASCII characters' })
    },
  )

  test.each(['', '\ud800', undefined, null, 7])('the context %p is refused', (context) => {
    expect(codeOf(() => vault.seal(SECRET, context as string))).toBe('INVALID_FORMAT')
    expect(codeOf(() => vault.open(vault.seal(SECRET, CONTEXT), context as string))).toBe('DECRYPT_FAILED')
  })

  test('a context whose bytes are those of another one opens nothing', () => {
    expect(codeOf(() => vault.open(vault.seal(SECRET, '\ufffd'), '\ud800'))).toBe('DECRYPT_FAILED')
  })
})

describe('what does not open', () => {
  const sealed = vault.seal(SECRET, CONTEXT)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

  test('SEC-15 every flipped byte of every part, with one error', () => {
    for (const part of ['nonce', 'ciphertext'] as const) {
      for (const flipped of flips(sealed[part])) {
        expect(codeOf(() => vault.open({ ...sealed, [part]: flipped }, CONTEXT))).toBe('DECRYPT_FAILED')
      }
    }
    for (const flipped of flips(sealed.keyId)) {
      expect(codeOf(() => vault.open({ ...sealed, keyId: flipped }, CONTEXT))).toBe('UNKNOWN_KEY')
    }
    for (const flipped of flips(CONTEXT)) expect(codeOf(() => vault.open(sealed, flipped))).toBe('DECRYPT_FAILED')
  })

  test('every other text for the same bytes', () => {
    // 20 + 16 bytes end on a whole group; two characters more leave unused bits before the padding.
    const padded = vault.seal(`${SECRET}xx`, CONTEXT)
    expect(padded.ciphertext.endsWith('=')).toBe(true)
    const last = padded.ciphertext.length - 2
    const value = alphabet.indexOf(padded.ciphertext.charAt(last))
    const texts = [
      padded.ciphertext.slice(0, last) + alphabet.charAt(value ^ 1) + '=',
      padded.ciphertext.replace('=', ''),
      `${padded.ciphertext}=`,
      `${padded.ciphertext}\n`,
      ` ${padded.ciphertext}`,
      `${padded.ciphertext.slice(0, 8)}\n${padded.ciphertext.slice(8)}`,
    ]
    for (const ciphertext of texts) {
      expect(Buffer.from(ciphertext, 'base64').toString('base64')).toBe(padded.ciphertext)
      expect(codeOf(() => vault.open({ ...padded, ciphertext }, CONTEXT))).toBe('DECRYPT_FAILED')
    }
    const urlSafe = vault.seal('>'.repeat(4096), CONTEXT)
    const ciphertext = urlSafe.ciphertext.replaceAll('+', '-').replaceAll('/', '_')
    expect(codeOf(() => vault.open({ ...urlSafe, ciphertext }, CONTEXT))).toBe('DECRYPT_FAILED')
  })

  test('SEC-17 values swapped between rows, whole or in part', () => {
    const other = vault.seal('sk-other-0123456789x', 'key_2|prov_2')
    expect(codeOf(() => vault.open(other, CONTEXT))).toBe('DECRYPT_FAILED')
    expect(codeOf(() => vault.open(sealed, 'key_2|prov_2'))).toBe('DECRYPT_FAILED')
    expect(codeOf(() => vault.open({ ...sealed, nonce: other.nonce }, CONTEXT))).toBe('DECRYPT_FAILED')
    expect(codeOf(() => vault.open({ ...sealed, ciphertext: other.ciphertext }, CONTEXT))).toBe('DECRYPT_FAILED')
  })

  test.each([
    ['no tag', { ...sealed, ciphertext: '' }],
    ['a tag alone', { ...sealed, ciphertext: Buffer.alloc(16).toString('base64') }],
    ['no nonce', { ...sealed, nonce: '' }],
    ['a longer nonce', { ...sealed, nonce: Buffer.alloc(16).toString('base64') }],
    ['missing parts', { keyId: 'k1' }],
    ['numbers', { keyId: 'k1', nonce: 1, ciphertext: 2 }],
  ])('%s', (_name, value) => {
    expect(codeOf(() => vault.open(value as SealedSecret, CONTEXT))).toBe('DECRYPT_FAILED')
  })

  test.each(['sk secret', 'sk\n', 'schlüssel', 'x'.repeat(4097)])(
    'what somebody else sealed with the key and is no secret: %p',
    (text) => {
      const cipher = createCipheriv('aes-256-gcm', oldKey.key, Buffer.alloc(12)).setAAD(Buffer.from(CONTEXT))
      const parts = [cipher.update(text), cipher.final(), cipher.getAuthTag()]
      const ciphertext = Buffer.concat(parts).toString('base64')
      const foreign = { keyId: 'k1', nonce: Buffer.alloc(12).toString('base64'), ciphertext }
      expect(codeOf(() => vault.open(foreign, CONTEXT))).toBe('DECRYPT_FAILED')
    },
  )

  test.each([null, undefined, 'text', 7, {}])('%p instead of a sealed secret', (value) => {
    expect(codeOf(() => vault.open(value as SealedSecret, CONTEXT))).toBe('UNKNOWN_KEY')
  })

  test('SEC-28 failures differ in nothing, also with the wrong key under the right id', () => {
    const impostor = new SecretVault([{ id: 'k1', key: generateMasterKey() }])
    const errors = [
      errorOf(() => vault.open(sealed, 'other')),
      errorOf(() => vault.open({ ...sealed, nonce: '!' }, CONTEXT)),
      errorOf(() => vault.open({ ...sealed, ciphertext: 'AAAA' }, CONTEXT)),
      errorOf(() => impostor.open(sealed, CONTEXT)),
    ]
    const shown = errors.map(({ code, message, details, retryable, cause }) => ({
      code,
      message,
      details,
      retryable,
      cause,
    }))
    expect(shown.every((one) => JSON.stringify(one) === JSON.stringify(shown[0]))).toBe(true)
    expect(shown[0]).toEqual({
      code: 'DECRYPT_FAILED',
      message: 'The value cannot be opened',
      details: {},
      retryable: false,
      cause: undefined,
    })
  })
})

describe('rotation', () => {
  const both = new SecretVault([newKey, oldKey])

  test('old values open, new ones are sealed with the first key', () => {
    const old = vault.seal(SECRET, CONTEXT)
    expect(both.currentKeyId).toBe('k2')
    expect(both.open(old, CONTEXT)).toBe(SECRET)
    expect(both.seal(SECRET, CONTEXT).keyId).toBe('k2')
    expect([both.needsRewrap(old), both.needsRewrap(both.seal(SECRET, CONTEXT))]).toEqual([true, false])
  })

  test('SEC-18 what was rewrapped opens without the old key, and only in its context', () => {
    const rewrapped = both.rewrap(vault.seal(SECRET, CONTEXT), CONTEXT)
    const after = new SecretVault([newKey])
    expect(rewrapped.keyId).toBe('k2')
    expect(after.open(rewrapped, CONTEXT)).toBe(SECRET)
    expect(codeOf(() => after.open(rewrapped, 'other'))).toBe('DECRYPT_FAILED')
    expect(codeOf(() => vault.open(rewrapped, CONTEXT))).toBe('UNKNOWN_KEY')
  })

  test('rewrapping needs the right context and the old key', () => {
    const old = vault.seal(SECRET, CONTEXT)
    expect(codeOf(() => both.rewrap(old, 'other'))).toBe('DECRYPT_FAILED')
    const error = errorOf(() => new SecretVault([newKey]).rewrap(old, CONTEXT))
    expect([error.code, error.details]).toEqual(['UNKNOWN_KEY', { keyId: 'k1' }])
  })

  test('a key id that could not be one is not repeated', () => {
    expect(errorOf(() => vault.open({ ...vault.seal(SECRET, CONTEXT), keyId: 'sk secret' }, CONTEXT)).details).toEqual(
      {},
    )
  })
})

describe('SEC-01 what stays in memory and what is shown', () => {
  test('plaintext buffers are zeroed after sealing, opening and rewrapping', () => {
    const sealed = vault.seal(SECRET, CONTEXT)
    expect(zeroedDuring(() => vault.seal(SECRET, CONTEXT))).toContain(SECRET)
    expect(zeroedDuring(() => vault.open(sealed, CONTEXT))).toContain(SECRET)
    expect(zeroedDuring(() => vault.rewrap(sealed, CONTEXT))).toContain(SECRET)
  })

  test('what was decrypted under a wrong context is zeroed too', () => {
    const sealed = vault.seal(SECRET, CONTEXT)
    expect(zeroedDuring(() => codeOf(() => vault.open(sealed, 'other')))).toContain(SECRET)
  })

  test('printing a vault shows no key', () => {
    const key = Buffer.alloc(32, 'M')
    const printed = new SecretVault([{ id: 'k1', key }])
    const shown = inspect(printed, { depth: 9, showHidden: true }) + JSON.stringify(printed)
    for (const form of ['latin1', 'hex', 'base64'] as const) expect(shown).not.toContain(key.toString(form))
    expect(shown).not.toMatch(/4d 4d|77,\s*77/)
  })

  test("later changes of the caller's bytes change nothing", () => {
    const key = generateMasterKey()
    const own = new SecretVault([{ id: 'k1', key }])
    const sealed = own.seal(SECRET, CONTEXT)
    key.fill(0)
    expect(own.open(sealed, CONTEXT)).toBe(SECRET)
  })
})
