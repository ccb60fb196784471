import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { generateSecrets, loadSecrets, type Secrets } from '../../src/secrets.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'iron-secrets-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const load = (environment: Record<string, string>): Secrets => loadSecrets(loadConfig(environment))
const atFile = (name = 'iron.db'): Record<string, string> => ({ DATABASE_URL: `sqlite:${path.join(folder, name)}` })

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    load(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

describe('R5 beside a SQLite file', () => {
  test('the secrets are generated once, readable by the owner alone, and found again', () => {
    const first = load(atFile())
    const file = path.join(folder, 'iron.db.secrets')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(load(atFile())).toEqual(first)
    expect(first.masterKeys[0].id).toBe('dev1')
    expect(
      new Set([first.jwt[0].secret, first.icToken[0].secret].map((secret) => Buffer.from(secret).toString('hex'))).size,
    ).toBe(2)
    expect(readdirSync(folder)).toEqual(['iron.db.secrets'])
  })

  test('a given one is used, the others come from the file', () => {
    const first = load(atFile())
    const mixed = load({ ...atFile(), JWT_SECRET: generateSecrets('mine').JWT_SECRET })
    expect(mixed.jwt[0].kid).toBe('mine')
    expect(mixed.icToken).toEqual(first.icToken)
  })

  test('a file that others can read, or that lacks a line, stops the start', () => {
    load(atFile())
    const file = path.join(folder, 'iron.db.secrets')
    chmodSync(file, 0o644)
    expect(faultsOf(atFile())).toEqual(['iron.db.secrets can be read by others: chmod 600 it'])
    chmodSync(file, 0o600)
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^IC_TOKEN_SECRET=.*$/m, ''))
    expect(faultsOf(atFile()).join()).toContain('IC_TOKEN_SECRET')
  })
})

test('R5 in memory nothing is written', () => {
  const before = readdirSync('.')
  expect(load({ DATABASE_URL: ':memory:' }).masterKeys[0].id).toBe('dev1')
  expect(readdirSync('.')).toEqual(before)
  expect(existsSync(':memory:.secrets')).toBe(false)
})

test.each([
  ['PostgreSQL', { DATABASE_URL: 'postgres://db/iron' }],
  ['PostgreSQL in tests', { DATABASE_URL: 'postgresql://db/iron', IRON_ENV: 'test' }],
  ['production', { DATABASE_URL: ':memory:', IRON_ENV: 'production' }],
])('R5 with %s all three are required; the missing ones are named', (_, environment) => {
  const faults = faultsOf(environment)
  expect(faults.map((fault) => fault.split(' ')[0])).toEqual(['JWT_SECRET', 'IC_TOKEN_SECRET', 'IRON_MASTER_KEYS'])
  for (const fault of faults) expect(fault).toContain('`iron vault generate`')
  const { JWT_SECRET, ...others } = generateSecrets()
  expect(faultsOf({ ...environment, ...others }).map((fault) => fault.split(' ')[0])).toEqual(['JWT_SECRET'])
  expect(faultsOf({ ...environment, JWT_SECRET, ...others })).toEqual([])
})

test('SEC-21 no key serves two purposes, in whichever form it is written', () => {
  const key = Buffer.alloc(32, 7).toString('base64')
  const environment = { DATABASE_URL: ':memory:', ...generateSecrets() }
  const pairs: readonly Record<string, string>[] = [
    { JWT_SECRET: `a:${key}`, IC_TOKEN_SECRET: `b:${key}` },
    { IC_TOKEN_SECRET: `a:${key}`, IRON_MASTER_KEYS: `b:${key}` },
    { JWT_SECRET: 'x'.repeat(32), IRON_AUDIT_KEY: 'x'.repeat(32) },
    { JWT_SECRET: `a:${Buffer.from('x'.repeat(32)).toString('base64')}`, IRON_AUDIT_KEY: 'x'.repeat(32) },
    { JWT_SECRET: `${environment.JWT_SECRET},old:${key}`, IRON_MASTER_KEYS: `b:${key}` },
  ]
  for (const shared of pairs) {
    const [one, other] = Object.keys(shared)
    expect(faultsOf({ ...environment, ...shared })).toEqual([`${one} and ${other} must not share a key`])
  }
  expect(faultsOf({ ...environment, IRON_AUDIT_KEY: 'y'.repeat(32) })).toEqual([])
})

describe('forms', () => {
  const base64 = (bytes: number, fill: number): string => Buffer.alloc(bytes, fill).toString('base64')
  const given = (jwt: string): Record<string, string> => ({
    DATABASE_URL: ':memory:',
    ...generateSecrets('g'),
    JWT_SECRET: jwt,
  })

  test('a list: the first is current', () => {
    const { jwt } = load(given(`k2:${base64(32, 2)},k1:${base64(48, 1)}`))
    expect(jwt.map(({ kid }) => kid)).toEqual(['k2', 'k1'])
    expect(jwt[0].secret).toEqual(Buffer.alloc(32, 2))
  })

  test('one plain text has the id default', () => {
    const text = 'a plain secret of at least 32 bytes'
    expect(load(given(text)).jwt).toEqual([{ kid: 'default', secret: text }])
  })

  test.each([
    ['a short key in a list', `k1:${base64(32, 1)},k2:${base64(31, 2)}`],
    ['one id twice', `k1:${base64(32, 1)},k1:${base64(32, 2)}`],
    ['a list with a plain text', `k1:${base64(32, 1)},${'p'.repeat(40)}`],
  ])('%s stops the start', (_, jwt) => {
    expect(faultsOf(given(jwt)).map((fault) => fault.split(' ')[0])).toEqual(['JWT_SECRET'])
  })

  test('all malformed ones are named together', () => {
    const faults = faultsOf({ ...given(`k1:${base64(30, 1)}`), IRON_MASTER_KEYS: `m1:${base64(31, 1)}` })
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(['JWT_SECRET', 'IRON_MASTER_KEYS'])
  })
})
