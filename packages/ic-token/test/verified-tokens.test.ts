import { expect, test } from '@jest/globals'
import type { IcTokenResult } from '../src/index.ts'
import { VERIFIED_TOKENS_MAX, VerifiedTokens } from '../src/verified-tokens.ts'
import { makeManager, verdict } from './setup.ts'

test('a second verification gives the remembered result, with or without ic_', () => {
  const { tokens } = makeManager()
  const issued = tokens.issue({ agentId: 'agent_7' })
  const first = tokens.verify(issued.token)
  expect(tokens.verify(issued.jwt)).toBe(first)
  expect(first).toEqual(issued)
})

test('the whole token is the key: one with the same header, payload and a prefix of the signature is not remembered', () => {
  const { tokens } = makeManager()
  const { jwt } = tokens.issue({ agentId: 'agent_7' })
  tokens.verify(jwt)
  expect(verdict(tokens, `${jwt.slice(0, -1)}${jwt.endsWith('A') ? 'B' : 'A'}`)).toBe('BAD_SIGNATURE')
  expect(verdict(tokens, jwt.slice(0, -1))).toBe('BAD_SIGNATURE')
})

test('no more than 10,000 are remembered; the oldest goes first', () => {
  const verified = new VerifiedTokens()
  const { tokens } = makeManager()
  const sample = tokens.issue({ agentId: 'a' })
  const at = (index: number): IcTokenResult => ({ ...sample, jwt: `jwt-${index}` })
  for (let index = 0; index <= VERIFIED_TOKENS_MAX; index += 1) verified.add(at(index))
  expect(VERIFIED_TOKENS_MAX).toBe(10_000)
  expect(verified.size).toBe(10_000)
  expect(verified.get('jwt-0')).toBeUndefined()
  expect(verified.get('jwt-1')?.jwt).toBe('jwt-1')
  expect(verified.get('jwt-10000')?.jwt).toBe('jwt-10000')
  verified.forget('jwt-1')
  expect(verified.get('jwt-1')).toBeUndefined()
})

test('the oldest goes first also after some were forgotten, for as long as tokens come', () => {
  const verified = new VerifiedTokens()
  const sample = makeManager().tokens.issue({ agentId: 'a' })
  const kept: string[] = []
  for (let index = 0; index < 3 * VERIFIED_TOKENS_MAX; index += 1) {
    const jwt = `jwt-${index}`
    verified.add({ ...sample, jwt })
    if (kept.push(jwt) > VERIFIED_TOKENS_MAX) kept.shift()
    if (index % 7 === 0) {
      const [forgotten = ''] = kept.splice((index * 31) % kept.length, 1)
      verified.forget(forgotten)
    }
  }
  expect(verified.size).toBe(kept.length)
  expect(kept.every((jwt) => verified.get(jwt)?.jwt === jwt)).toBe(true)
})
