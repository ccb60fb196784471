/**
 * Everything that reads text from outside, with texts it takes. What no package exports is read from its source: the module is
 * named by its place in the repository.
 */
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundledPriceBook, formatUsd, micros, normalizeUsage, type ProviderKind, usd } from '@iron/cost-calculator'
import { cursorWindow, encodeCursor, isId } from '@iron/database'
import { IcTokenManager } from '@iron/ic-token'
import { openIpToken, parseMasterKeys, sealIpToken } from '@iron/ip-token-crypto'
import { parsePermission, parseRole } from '@iron/rbac'
import type { Parser } from './parser.ts'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..')

/** A function of a module that its package keeps to itself. */
async function inside<F>(file: string, name: string): Promise<F> {
  const module = (await import(pathToFileURL(path.join(root, file)).href)) as Readonly<Record<string, unknown>>
  const found = module[name]
  if (found === undefined) throw new Error(`${file} has no ${name}`)
  return found as F
}

const APP = 'apps/control-api/src'
type FindFaults = (value: unknown) => object | undefined

const parseSource = await inside<(text: string) => { dialect: string; file?: string; url?: string }>(
  'packages/database/src/source.ts',
  'parseSource',
)
const checkBaseUrl = await inside<(faults: object, path: string, value: unknown) => unknown>(
  'packages/token-manager/src/providers/base-url.ts',
  'checkBaseUrl',
)
const { isSecretText, hasBrokenChecksum, hintOf } = await secretModule()
const parseQuery = await inside<(text: string, schema: unknown) => { values: object }>(
  `${APP}/http/query.ts`,
  'parseQuery',
)
const decodeJwt = await inside<(text: string) => unknown>(`${APP}/http/jwt-form.ts`, 'decodeJwt')
const addressKey = await inside<(text: string) => string>(`${APP}/http/rate-gate.ts`, 'addressKey')
const readFrame = await inside<(text: string) => unknown>(`${APP}/ws/client-frame.ts`, 'readFrame')
const parseAuditHead = await inside<(text: string) => object>(`${APP}/commands/heads.ts`, 'parseAuditHead')
const formatHead = await inside<(head: object) => string>(`${APP}/commands/heads.ts`, 'formatHead')
const loadConfig = await inside<(env: Readonly<Record<string, string>>) => object>(`${APP}/config.ts`, 'loadConfig')
const compileFindFaults = await inside<(schema: unknown) => FindFaults>(`${APP}/http/validator.ts`, 'compileFindFaults')
const time = await inside<() => unknown>(`${APP}/http/schemas.ts`, 'time')
const usdCost = await inside<() => unknown>(`${APP}/http/schemas.ts`, 'usdCost')
const Faults = await inside<new () => object>('packages/database/src/faults.ts', 'Faults')

async function secretModule() {
  const file = 'packages/token-manager/src/tokens/secret.ts'
  return {
    isSecretText: await inside<(text: string) => boolean>(file, 'isSecretText'),
    hasBrokenChecksum: await inside<(text: string) => boolean>(file, 'hasBrokenChecksum'),
    hintOf: await inside<(text: string) => string>(file, 'hintOf'),
  }
}

const HASH = '5f'.repeat(32)
const UUID = '0190a5c2-7d3e-7b11-9a64-0242ac120002'
const tokens = new IcTokenManager({ keys: [{ kid: 'k1', secret: Buffer.alloc(32, 1) }], clock: { now: () => 1e12 } })
const icToken = tokens.issue({ agentId: 'agent_7' }).token
const binding = { icToken, agentId: 'agent_7', leaseId: 'lease_7', providerId: 'prov_7' }
const prices = bundledPriceBook()

/** What was read without a spelling of its own. */
const seen = (..._: readonly unknown[]): undefined => undefined

/** A text as the JSON value it spells, or as itself. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const usage = (kind: ProviderKind, ...seeds: readonly string[]): Parser => ({
  name: `usage of ${kind}`,
  seeds,
  read: (text) => void normalizeUsage(kind, jsonOf(text)),
})

const variable = (name: string, ...seeds: readonly string[]): Parser => ({
  name,
  seeds,
  read: (text) => void loadConfig({ [name]: text }),
})

const checked = (name: string, findFaults: FindFaults, ...seeds: readonly string[]): Parser => ({
  name,
  seeds,
  read: (text) => void findFaults(jsonOf(text)),
})

const cursor = (name: string, kinds: readonly ('string' | 'number')[], ...seeds: readonly string[]): Parser => ({
  name,
  seeds,
  read: (text) => encodeCursor(...(cursorWindow({ after: text }, kinds).after ?? [])),
})

const QUERY = {
  properties: { page: { type: 'integer' }, min_usd: { type: 'number' }, active: { type: 'boolean' } },
}

export const PARSERS: readonly Parser[] = [
  {
    name: 'money',
    seeds: ['8.2', '0.000001', '1000000000', '-1.5', '1e-6', '1.5E+3'],
    read: (text) => formatUsd(usd(text, { signed: true })),
  },
  {
    name: 'cost, rounded up',
    seeds: ['0.0000001', '12.3456789'],
    read: (text) => formatUsd(usd(text, { rounding: 'up' })),
  },
  { name: 'microdollars', seeds: ['1500', '-7'], read: (text) => String(micros(Number(text))) },
  usage(
    'openai',
    '{"prompt_tokens":12,"prompt_tokens_details":{"cached_tokens":10},"completion_tokens":3}',
    '{"input_tokens":5,"output_tokens":9,"output_tokens_details":{"reasoning_tokens":4}}',
  ),
  usage(
    'anthropic',
    '{"input_tokens":5,"cache_creation_input_tokens":2,"cache_read_input_tokens":1,"output_tokens":7}',
    '[{"input_tokens":5},{"output_tokens":7}]',
  ),
  usage('google', '{"promptTokenCount":5,"candidatesTokenCount":7,"thoughtsTokenCount":2,"totalTokenCount":14}'),
  usage('custom', '{"prompt_tokens":1,"completion_tokens":1}', '{"prompt_token_count":1,"total_token_count":2}'),
  {
    name: 'model',
    seeds: [
      'gpt-4o',
      'openai/gpt-4o-2024-08-06',
      'us.anthropic.claude-3-5-sonnet-20241022-v2:0',
      'models/gemini-1.5-pro',
    ],
    read: (text) => void prices.find(text),
  },
  {
    name: 'IC token',
    seeds: [icToken, icToken.slice(3), 'ic_eyJhbGciOiJub25lIn0.e30.'],
    read: (text) => tokens.verify(text).token,
  },
  {
    name: 'IP token',
    seeds: [sealIpToken('sk-0123456789', binding), 'AES256:AAAA:BBBB:CCCC'],
    read: (text) => void openIpToken(text, binding),
  },
  {
    name: 'master keys',
    seeds: [`m1:${Buffer.alloc(32, 3).toString('base64')}`, `a:${'A'.repeat(43)}=,b:${'B'.repeat(42)}A=`],
    read: (text) => void parseMasterKeys(text),
  },
  {
    name: 'API token',
    seeds: ['at_VZCFLukGJ4u1a7OONCYUdGUhDtX456EkrMIiztjBKto4', 'at_'],
    read: (text) => seen(isSecretText(text), hasBrokenChecksum(text), hintOf(text)),
  },
  cursor('cursor of a number', ['number'], encodeCursor(17)),
  cursor('cursor of a time and an id', ['number', 'string'], encodeCursor(1_700_000_000_000, `agent_${UUID}`)),
  {
    name: 'id',
    seeds: [`agent_${UUID}`, `user_${UUID}`],
    read: (text) => seen(isId(text, 'agent'), isId(text, 'user')),
  },
  {
    name: 'role and permission',
    seeds: ['admin', 'agents:read'],
    read: (text) => seen(parseRole(text), parsePermission(text)),
  },
  {
    name: 'database address',
    seeds: [
      './iron.db',
      'sqlite:./iron.db',
      'sqlite:///./iron.db?mode=rwc',
      'file:///tmp/iron.db',
      ':memory:',
      'postgres://u:p@h:5432/db?sslmode=require',
    ],
    read: (text) => {
      const { file, url } = parseSource(text)
      return file ?? url
    },
  },
  {
    name: 'base URL',
    seeds: ['https://api.openai.com/v1', 'http://127.0.0.1:8080', 'https://[::ffff:a9fe:a9fe]/'],
    read: (text) => seen(checkBaseUrl(new Faults(), 'base_url', text)),
  },
  {
    name: 'query',
    seeds: ['page=2&min_usd=0.5&active=true', 'a=%41&a=b&%zz=+'],
    read: (text) => void parseQuery(text, QUERY),
  },
  { name: 'claims of a JWT', seeds: [icToken.slice(3)], read: (text) => void decodeJwt(text) },
  {
    name: 'address of a client',
    seeds: ['127.0.0.1', '2001:db8::1', '::ffff:1.2.3.4', 'fe80::1%eth0'],
    read: (text) => addressKey(text),
  },
  {
    name: 'WebSocket frame',
    seeds: [
      '{"type":"auth","token":"ic_x"}',
      '{"type":"subscribe","types":["agent.*"],"agent_ids":[]}',
      '{"type":"heartbeat","id":"1"}',
    ],
    read: (text) => void readFrame(text),
  },
  {
    name: 'head of a log',
    seeds: [`17:${HASH}`, `agent_7:17:${HASH}`],
    read: (text) => formatHead(parseAuditHead(text)),
  },
  checked('time', compileFindFaults(time()), '"2026-02-28T23:59:59.123Z"', '"2024-02-29t00:00:00+14:00"'),
  checked('cost in a body', compileFindFaults(usdCost()), '0.000001', '1e-7', '12.5'),
  variable('DATABASE_URL', 'sqlite:./iron.db', 'postgres://u:p@h/db'),
  variable('REDIS_URL', 'redis://:p@127.0.0.1:6379/0', 'rediss://h'),
  variable('ALLOWED_ORIGINS', 'https://console.example.com', 'http://localhost:5173, https://a.example'),
  variable('JWT_SECRET', `k1:${Buffer.alloc(32, 5).toString('base64')}`, 'a plain text of at least thirty-two bytes'),
  variable('IRON_ADMIN_EMAIL', 'admin@example.com'),
  variable('IRON_PRICE_CEILING', '30/180', '0.5/1.25'),
  variable('IRON_RATE_LIMIT_READ', '100/60', 'off'),
  variable('IRON_GRANT_MAX_USD', '10', '0.000001'),
  variable('IRON_LEASE_TTL_SECONDS', '3600'),
  variable('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://localhost:4318'),
  variable('OTEL_EXPORTER_OTLP_HEADERS', 'a=b,c=d'),
  variable('OTEL_TRACES_SAMPLER_ARG', '0.25'),
]
