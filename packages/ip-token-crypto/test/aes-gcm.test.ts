import { createSecretKey } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { decrypt, encrypt } from '../src/aes-gcm.ts'
import { codeOf, hex } from './setup.ts'

const zeroKey = '00'.repeat(32)
const key = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'
const nonce = 'cafebabefacedbaddecaf888'
const plaintext =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255'
const ciphertext =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad'

/** McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: the AES-256 cases with a 96-bit nonce. */
const vectors = [
  {
    id: '13',
    key: zeroKey,
    nonce: '00'.repeat(12),
    plain: '',
    aad: '',
    cipher: '',
    tag: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    id: '14',
    key: zeroKey,
    nonce: '00'.repeat(12),
    plain: '00'.repeat(16),
    aad: '',
    cipher: 'cea7403d4d606b6e074ec5d3baf39d18',
    tag: 'd0d1c8a799996bf0265b98b5d48ab919',
  },
  { id: '15', key, nonce, plain: plaintext, aad: '', cipher: ciphertext, tag: 'b094dac5d93471bdec1a502270e3cc6c' },
  {
    id: '16',
    key,
    nonce,
    plain: plaintext.slice(0, 120),
    aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    cipher: ciphertext.slice(0, 120),
    tag: '76fc6ece0f4e1768cddf8853bb2d551b',
  },
]

describe.each(vectors)('McGrew-Viega test case $id', (vector) => {
  const key = createSecretKey(hex(vector.key))
  const aad = hex(vector.aad)
  const encrypted = { ciphertext: hex(vector.cipher), tag: hex(vector.tag) }

  test('encrypts to the published ciphertext and tag', () => {
    expect(encrypt(key, hex(vector.nonce), hex(vector.plain), aad)).toEqual(encrypted)
  })

  test('decrypts to the published plaintext', () => {
    expect(decrypt(key, hex(vector.nonce), encrypted, aad).toString('hex')).toBe(vector.plain)
  })

  test('SEC-15 every flipped bit of key, nonce, ciphertext, tag or aad fails with one error', () => {
    const parts = [hex(vector.key), hex(vector.nonce), encrypted.ciphertext, encrypted.tag, aad] as const
    const open = () => decrypt(createSecretKey(parts[0]), parts[1], { ciphertext: parts[2], tag: parts[3] }, parts[4])
    for (const part of parts) {
      for (let bit = 0; bit < part.length * 8; bit += 1) {
        part[bit >> 3]! ^= 1 << (bit & 7)
        expect(codeOf(open)).toBe('DECRYPT_FAILED')
        part[bit >> 3]! ^= 1 << (bit & 7)
      }
    }
    expect(open().toString('hex')).toBe(vector.plain)
  })

  test('a shortened tag or another nonce length is refused', () => {
    for (const bytes of [0, 4, 8, 12, 15]) {
      const short = { ...encrypted, tag: encrypted.tag.subarray(0, bytes) }
      expect(codeOf(() => decrypt(key, hex(vector.nonce), short, aad))).toBe('DECRYPT_FAILED')
    }
    for (const bytes of [0, 8, 11, 13, 16]) {
      expect(codeOf(() => decrypt(key, Buffer.alloc(bytes), encrypted, aad))).toBe('DECRYPT_FAILED')
    }
  })
})
