import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { generateMasterKey, parseMasterKeys, SecretVault, type VaultKey } from '../src/index.ts'
import { codeOf, errorOf } from './setup.ts'

const base64 = (key: Uint8Array): string => Buffer.from(key).toString('base64')

describe('generateMasterKey', () => {
  test('32 bytes, never the same, in memory of their own', () => {
    const keys = Array.from({ length: 100 }, generateMasterKey)
    expect(new Set(keys.map(base64)).size).toBe(100)
    expect(keys.every((key) => key.byteLength === 32 && key.buffer.byteLength === 32)).toBe(true)
  })
})

describe('parseMasterKeys', () => {
  const [first, second] = [generateMasterKey(), generateMasterKey()]

  test('reads a list; the first is current', () => {
    const keys = parseMasterKeys(`k2:${base64(first)}, k1:${base64(second)}\n`)
    expect(keys.map(({ id, key }) => [id, base64(key)])).toEqual([
      ['k2', base64(first)],
      ['k1', base64(second)],
    ])
    expect(new SecretVault(keys).currentKeyId).toBe('k2')
  })

  test('SEC-01 printing the keys shows their ids only', () => {
    const keys = parseMasterKeys(`k2:${base64(first)}`)
    expect(JSON.stringify(keys)).toBe('[{"id":"k2"}]')
    expect(inspect(keys, { depth: 9 })).toBe("[ { id: 'k2' } ]")
    expect(inspect(keys, { depth: 9, showHidden: true })).toContain("[ { id: 'k2', [key]: [Getter] }")
  })

  test.each([
    ['nothing', '', ['keys[0].id', 'keys[0].key']],
    ['no id', base64(first), ['keys[0].id', 'keys[0].key']],
    ['an empty id', `:${base64(first)}`, ['keys[0].id']],
    ['a bad character in the id', `k 1:${base64(first)}`, ['keys[0].id']],
    ['33 characters of id', `${'k'.repeat(33)}:${base64(first)}`, ['keys[0].id']],
    ['an id twice', `k1:${base64(first)},k1:${base64(second)}`, ['keys[1].id']],
    ['31 bytes', `k1:${base64(first.subarray(1))}`, ['keys[0].key']],
    ['33 bytes', `k1:${base64(new Uint8Array(33))}`, ['keys[0].key']],
    ['no padding', `k1:${base64(first).replace('=', '')}`, ['keys[0].key']],
    ['base64url', `k1:${Buffer.alloc(32, 0xff).toString('base64').replaceAll('/', '_')}`, ['keys[0].key']],
    ['hex', `k1:${Buffer.from(first).toString('hex')}`, ['keys[0].key']],
    ['a third part', `k1:${base64(first)}:x`, ['keys[0].key']],
    ['a trailing comma', `k1:${base64(first)},`, ['keys[1].id', 'keys[1].key']],
    ['no text', undefined, ['keys']],
  ])('SEC-21 refuses %s without repeating it', (_name, text, fields) => {
    const error = errorOf(() => parseMasterKeys(text as string))
    expect(error.code).toBe('INVALID_KEY')
    expect(Object.keys(error.details.fields as object)).toEqual(fields)
    expect(JSON.stringify(error) + error.message).not.toContain(base64(first).slice(0, 12))
  })
})

describe('the keys of a vault', () => {
  const good = { id: 'k1', key: generateMasterKey() }
  const bad: [string, unknown][] = [
    ['none', []],
    ['no list', undefined],
    ['null', [null]],
    ['31 bytes', [{ id: 'k1', key: new Uint8Array(31) }]],
    ['text as key', [{ id: 'k1', key: 'k'.repeat(32) }]],
    ['an array as key', [{ id: 'k1', key: Array(32).fill(1) }]],
    ['an id twice', [good, good]],
    ['an id with a newline', [{ ...good, id: 'k1\n' }]],
    ['an id that is no text', [{ ...good, id: 1 }]],
    ['a good and a bad one', [good, { id: '', key: good.key }]],
  ]
  test.each(bad)('%s: INVALID_KEY', (_name, keys) => {
    expect(codeOf(() => new SecretVault(keys as [VaultKey]))).toBe('INVALID_KEY')
  })

  test('ids of every allowed character and length', () => {
    for (const id of ['k', 'A-Z_a.z0-9', 'k'.repeat(32)]) {
      expect(new SecretVault([{ ...good, id }]).currentKeyId).toBe(id)
    }
  })
})
