import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { describeVariables } from '../../src/config/variables.ts'
import { ConfigError, loadConfig, sealConfig } from '../../src/config.ts'
import { RATE_CLASS_NAMES } from '../../src/http/rate-classes.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'iron-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}
const namesOf = (environment: Record<string, string>): string[] =>
  faultsOf(environment).map((fault) => fault.slice(0, fault.indexOf(' ')))

test('nothing set: the documented defaults', () => {
  expect(loadConfig({})).toMatchObject({
    environment: 'development',
    host: '127.0.0.1',
    port: 3_000,
    databaseUrl: 'sqlite:./iron.db',
    adminEmail: 'admin@localhost',
    allowedOrigins: [],
    trustedProxies: 0,
    logLevel: 'info',
    sweepMs: 15_000,
    docs: true,
    rateLimits: {},
    prices: [],
  })
  expect(loadConfig({ PORT: '', HOST: ' ' })).toEqual(loadConfig({}))
  expect(Object.isFrozen(loadConfig({}))).toBe(true)
})

test('OPS-06 every fault is reported at once, by name and rule', () => {
  expect(
    faultsOf({
      PORT: '70000',
      IRON_ENV: 'staging',
      TRUST_PROXY: '-1',
      LOG_LEVEL: 'loud',
      ALLOWED_ORIGINS: 'https://a.example/path',
      IRON_LEASE_TTL_SECONDS: '5',
      IRON_GRANT_MAX_USD: '0',
      IRON_PRICE_CEILING: '30',
      IRON_RATE_LIMIT_LOGIN: '5',
      IRON_ADMIN_PASSWORD: 'short',
      IRON_ADMIN_EMAIL: 'nobody',
      JWT_SECRET: 'short',
      IRON_NONSENSE: '1',
    }),
  ).toEqual([
    'IRON_ENV must be one of development, test, production',
    'PORT must be a whole number from 0 to 65535',
    'IRON_ADMIN_EMAIL must be an e-mail address',
    'IRON_ADMIN_PASSWORD must be 8 to 1000 characters long',
    'ALLOWED_ORIGINS must be a comma list of origins such as https://console.example.com, not https://a.example/path',
    'TRUST_PROXY must be a whole number from 0 to 20',
    'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
    'IRON_PRICE_CEILING must be input/output in US dollars per million tokens, for example 30/180',
    'IRON_LEASE_TTL_SECONDS must be a whole number from 60 to 86400',
    'IRON_GRANT_MAX_USD must be an amount of US dollars above 0 with at most 6 decimals',
    'IRON_RATE_LIMIT_LOGIN must be <count>/<seconds> with 1 to 86400 seconds, or off',
    'IRON_NONSENSE is not known',
    'JWT_SECRET must have at least 32 bytes',
  ])
})

test('OPS-06 an address of no database stops the start, and its password is not told', () => {
  const faults = faultsOf({
    DATABASE_URL: 'mysql://iron:database-password@db/iron',
    IRON_MIGRATE_DATABASE_URL: 'sqlite:%',
  })
  const rule = 'must be a path, sqlite:…, file:…, :memory: or a postgres:// URL'
  expect(faults).toEqual([`DATABASE_URL ${rule}`, `IRON_MIGRATE_DATABASE_URL ${rule}`])
})

test('OPS-06 unknown IRON_ names stop the start; names of tests and of others do not', () => {
  expect(namesOf({ IRON_PORT: '1', IRON_: '1', IRON_RATE_LIMIT_WS: 'off', IRON_RATE_LIMIT_login: 'off' })).toEqual([
    'IRON_PORT',
    'IRON_',
    'IRON_RATE_LIMIT_WS',
    'IRON_RATE_LIMIT_login',
  ])
  expect(namesOf({ IRON_TEST_POSTGRES_URL: 'x', IRON_REQUIRE_SERVICES: '1', PATH: 'x', IRONY: 'x' })).toEqual([])
})

describe('LIM-21 rate classes', () => {
  test('each of the 14 can be set, switched off, or made to refuse everything', () => {
    expect(RATE_CLASS_NAMES).toHaveLength(14)
    const settings = ['7/60', 'off', '0/1', '999999999/86400']
    const names = RATE_CLASS_NAMES.map((name) => `IRON_RATE_LIMIT_${name.toUpperCase()}`)
    const set = loadConfig(Object.fromEntries(names.map((name, index) => [name, settings[index % 4] ?? ''])))
    const expected = [
      { count: 7, seconds: 60 },
      'off',
      { count: 0, seconds: 1 },
      { count: 999_999_999, seconds: 86_400 },
    ]
    expect(set.rateLimits).toEqual(
      Object.fromEntries(RATE_CLASS_NAMES.map((name, index) => [name, expected[index % 4]])),
    )
  })

  test.each([
    '5',
    '5/',
    '/60',
    '5/0',
    '5/86401',
    '-1/60',
    '1.5/60',
    '5/60s',
    '5 / 60',
    'OFF',
    'none',
    '1e3/60',
    '5/60/1',
  ])('%s stops the start', (setting) =>
    expect(namesOf({ IRON_RATE_LIMIT_READ: setting })).toEqual(['IRON_RATE_LIMIT_READ']),
  )
})

test.each([
  ['ALLOWED_ORIGINS', ['*', 'null', 'https://*.example.com', 'https://a.example,', 'a.example', 'https://A.example']],
  ['PORT', ['x', '1.5', '0x50', '65536', '-0']],
  ['IRON_AUTO_MIGRATE', ['yes', '1', 'TRUE']],
  ['IRON_GRANT_DEFAULT_USD', ['-1', '0.0000001', 'NaN', '1e99', '1000000001']],
  // A lower maximum needs a lower default: 10 is what is granted when none is asked for.
  ['IRON_GRANT_DEFAULT_USD', ['1000.000001', '2000']],
  ['REDIS_URL', ['cache', 'cache:6379', 'http://cache', 'redis://', 'redis://cache/iron', 'redis://cache/0/1']],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', ['collector:4318', 'ftp://collector', 'http://collector/?a=b', 'http://c#d']],
  ['OTEL_EXPORTER_OTLP_HEADERS', ['x', '=y', 'a=b,c', 'a=b\nc=d']],
  ['OTEL_TRACES_SAMPLER', ['always', 'jaeger_remote']],
  ['OTEL_TRACES_SAMPLER_ARG', ['1.1', '-1', '1e-3', 'half']],
  ['IRON_PRICE_CEILING', ['1', '1/2/3', '/', 'a/b', '0/1']],
])('OPS-07 %s refuses %j', (name, values) => {
  for (const value of values) expect([value, namesOf({ [name]: value })]).toEqual([value, [name]])
})

test('the default grant is held against the largest one, each as set or not', () => {
  const rule = 'IRON_GRANT_DEFAULT_USD must be at most IRON_GRANT_MAX_USD, but is'
  expect(faultsOf({ IRON_GRANT_MAX_USD: '5.5' })).toEqual([`${rule} 10 of 5.5`])
  expect(faultsOf({ IRON_GRANT_DEFAULT_USD: '6', IRON_GRANT_MAX_USD: '5.5' })).toEqual([`${rule} 6 of 5.5`])
  expect(faultsOf({ IRON_GRANT_DEFAULT_USD: '5.5', IRON_GRANT_MAX_USD: '5.5' })).toEqual([])
  expect(faultsOf({ IRON_GRANT_DEFAULT_USD: '2000', IRON_GRANT_MAX_USD: '3000' })).toEqual([])
})

test('REDIS_URL takes what the client understands, and a refusal tells no password', () => {
  for (const url of [
    'redis://cache',
    'redis://:secret@127.0.0.1:6379/15',
    'rediss://u:p@[::1]:6380/',
    '/run/redis.sock',
  ])
    expect([url, faultsOf({ REDIS_URL: url })]).toEqual([url, []])
  expect(faultsOf({ REDIS_URL: 'http://:secret@cache' }).join()).not.toContain('secret')
})

test('values take their types', () => {
  const config = loadConfig({
    ALLOWED_ORIGINS: 'https://a.example, http://localhost:5173',
    TRUST_PROXY: '2',
    IRON_LEASE_GRACE_SECONDS: '0',
    IRON_GRANT_DEFAULT_USD: '2.5',
    IRON_PRICE_CEILING: '30/180',
    IRON_DOCS: 'off',
    IRON_AUTO_MIGRATE: 'false',
  })
  expect(config).toMatchObject({
    allowedOrigins: ['https://a.example', 'http://localhost:5173'],
    trustedProxies: 2,
    leaseGraceMs: 0,
    grantDefault: 2_500_000,
    ceiling: { input: 30_000_000, output: 180_000_000 },
    docs: false,
    autoMigrate: false,
  })
})

test('IRON_PRICES_FILE is read and checked at once', () => {
  const file = path.join(folder, 'prices.json')
  const withText = (text: string): readonly string[] => {
    writeFileSync(file, text)
    return faultsOf({ IRON_PRICES_FILE: file })
  }
  expect(withText('[{"model":"demo-large","usdPerMillion":{"input":"2.5","output":"10"}}]')).toEqual([])
  for (const text of ['{', '{}', '[{"model":"x"}]', '[1]']) expect(withText(text)).toHaveLength(1)
  expect(namesOf({ IRON_PRICES_FILE: path.join(folder, 'none.json') })).toEqual(['IRON_PRICES_FILE'])
})

test('a price that is refused is named with its place and its rule', () => {
  const file = path.join(folder, 'refused.json')
  const fine = '{"model":"demo-large","usdPerMillion":{"input":"2.5","output":"10"}}'
  writeFileSync(file, `[${fine},{"model":"demo-small"}]`)
  expect(faultsOf({ IRON_PRICES_FILE: file })).toEqual([
    expect.stringMatching(/must hold prices: \[1\]\.usdPerMillion/),
  ])
})

describe('SEC-01 secrets print as [redacted]', () => {
  const secrets = {
    JWT_SECRET: 'jwt-secret-that-nobody-may-read-1',
    IC_TOKEN_SECRET: 'ic-token-secret-nobody-may-read-2',
    IRON_MASTER_KEYS: 'm1:bWFzdGVyLWtleS10aGF0LW5vYm9keS1tYXktcmVhZA==',
    IRON_AUDIT_KEY: 'audit-key-that-nobody-may-read-33',
    IRON_METRICS_TOKEN: 'metrics-token-of-16',
    IRON_ADMIN_PASSWORD: 'admin-password',
    DATABASE_URL: 'postgres://iron:database-password@db/iron',
    IRON_MIGRATE_DATABASE_URL: 'postgres://owner:owner-password@db/iron',
    REDIS_URL: 'redis://:redis-password@cache',
  }

  test('in JSON and in a dump, also after values were put over it', () => {
    const config = loadConfig(secrets)
    expect(config.jwtSecret).toBe(secrets.JWT_SECRET)
    for (const shown of [config, sealConfig({ ...config, port: 1 })]) {
      for (const text of [
        JSON.stringify(shown),
        inspect(shown),
        inspect({ deep: shown }),
        JSON.stringify({ deep: shown }),
      ]) {
        expect(text).toContain('[redacted]')
        expect(text).not.toMatch(/nobody|password@|metrics-token|admin-password|bWFzdGVy/)
      }
    }
  })

  test('and in no fault', () => {
    const faults = faultsOf({
      ...secrets,
      JWT_SECRET: 'tiny-one',
      IC_TOKEN_SECRET: 'tiny-one',
      IRON_ADMIN_PASSWORD: 'tiny',
    })
    expect(faults).toHaveLength(3)
    expect(faults.join('\n')).not.toContain('tiny')
  })
})

test("the README's table is the table of the source", () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| `([A-Z_<>]+)` +\| (.*?) +\| (.*?) +\|$/gm)].map(([, name, text, meaning]) => ({
    name,
    default: text,
    meaning,
  }))
  expect(rows).toEqual(describeVariables())
})
