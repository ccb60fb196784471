import { randomFillSync } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { NONCE_BYTES, NoncePool } from '../src/nonces.ts'

test('no nonce is handed out twice, over several fillings of the pool', () => {
  const pool = new NoncePool()
  const taken = new Set(Array.from({ length: 2000 }, () => pool.take().toString('hex')))
  expect(taken.size).toBe(2000)
})

test('nonces are the random bytes in order, and what was handed out is zeroed in the pool', () => {
  let pooled = new Uint8Array()
  let fillings = 0
  const pool = new NoncePool((bytes) => {
    fillings += 1
    pooled = randomFillSync(bytes) as Uint8Array<ArrayBuffer>
  })
  expect(fillings).toBe(0)
  const first = pool.take()
  expect(first).toHaveLength(NONCE_BYTES)
  expect(first.equals(Buffer.alloc(NONCE_BYTES))).toBe(false)
  const expected = Buffer.from(pooled).subarray(NONCE_BYTES)
  for (let at = 0; at < expected.length; at += NONCE_BYTES) {
    expect(pool.take().equals(expected.subarray(at, at + NONCE_BYTES))).toBe(true)
    expect(pooled.subarray(0, at + 2 * NONCE_BYTES).every((byte) => byte === 0)).toBe(true)
  }
  expect(fillings).toBe(1)
  pool.take()
  expect(fillings).toBe(2)
})

test('a nonce belongs to its taker: changing it changes no other', () => {
  const pool = new NoncePool((bytes) => bytes.fill(9))
  pool.take().fill(1)
  expect(pool.take().every((byte) => byte === 9)).toBe(true)
})
