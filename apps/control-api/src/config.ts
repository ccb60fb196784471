/**
 * Environment → one frozen, typed configuration. Every variable stands once in a table with its default and its meaning; the
 * README's table is made from it, unknown `IRON_*` names are refused, and every fault is reported at once (OPS-06).
 */
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import {
  CostError,
  createPriceBook,
  type Microdollars,
  type PriceInput,
  type Rates,
  toUsd,
  usd,
} from '@iron/cost-calculator'
import { parseSource } from '@iron/database'
import { RATE_CLASS_NAMES, type RateClass, type RateRule } from './http/rate-classes.ts'
import { SAMPLERS } from './observability/tracing.ts'

/** A rate limit of one class: `count` requests in `seconds`, or none. */
export type RateLimit = RateRule | 'off'

/** Everything the server can be told. Secrets print as `[redacted]`. */
export interface ControlApiConfig {
  readonly environment: 'development' | 'test' | 'production'
  readonly host: string
  readonly port: number
  readonly databaseUrl: string
  readonly redisUrl: string | undefined
  /** Undefined: generated beside a SQLite file (rulings R5). */
  readonly jwtSecret: string | undefined
  readonly icTokenSecret: string | undefined
  readonly masterKeys: string | undefined
  readonly auditKey: string | undefined
  readonly metricsToken: string | undefined
  readonly adminEmail: string
  readonly adminPassword: string | undefined
  readonly allowedOrigins: readonly string[]
  readonly trustedProxies: number
  readonly logLevel: string
  /** Undefined: on an empty database and on SQLite (rulings R10). */
  readonly autoMigrate: boolean | undefined
  readonly migrateDatabaseUrl: string | undefined
  readonly prices: readonly PriceInput[]
  readonly ceiling: Rates | undefined
  readonly leaseTtlMs: number | undefined
  readonly leaseGraceMs: number | undefined
  readonly sweepMs: number
  readonly grantDefault: Microdollars | undefined
  readonly grantMax: Microdollars | undefined
  readonly leasesMax: number | undefined
  readonly wsMaxPerPrincipal: number | undefined
  readonly wsMaxPerAddress: number | undefined
  readonly wsMax: number | undefined
  readonly retainEventsDays: number
  readonly retainRequestsDays: number
  readonly retainSpansDays: number
  readonly docs: boolean
  /** Base URL of the collector that takes traces; undefined: there are none. */
  readonly tracesEndpoint: string | undefined
  readonly tracesHeaders: string | undefined
  readonly tracesServiceName: string
  readonly tracesSampler: (typeof SAMPLERS)[number]
  readonly tracesSamplerRatio: number
  /** Of the commands that talk to a server. */
  readonly remoteUrl: string
  readonly remoteToken: string | undefined
  readonly rateLimits: Readonly<Partial<Record<RateClass, RateLimit>>>
}

/** The configuration cannot be used; `faults` names every variable and its rule. */
export class ConfigError extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(`the configuration is not valid:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

type Environment = Readonly<Record<string, string | undefined>>

interface Variable<T> {
  readonly name: string
  readonly default: string
  readonly meaning: string
  readonly secret?: true
  /** Reads a value that is set and not empty. @throws Error whose message is the rule */
  readonly parse: (text: string) => T
}

function variable<T>(name: string, defaultText: string, meaning: string, parse: (text: string) => T): Variable<T> {
  return { name, default: defaultText, meaning, parse }
}

function secret(name: string, defaultText: string, meaning: string, parse = asText): Variable<string> {
  return { name, default: defaultText, meaning, parse, secret: true }
}

const asText = (text: string): string => text

const oneOf =
  <T extends string>(...values: T[]) =>
  (text: string): T => {
    const value = values.find((known) => known === text)
    if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`)
    return value
  }

const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) throw new Error(`must be a whole number from ${min} to ${max}`)
    return value
  }

const flag = (text: string): boolean => oneOf('true', 'false', 'on', 'off')(text) === 'true' || text === 'on'

const seconds =
  (min: number, max: number) =>
  (text: string): number =>
    integer(min, max)(text) * 1_000

const amount = (text: string): Microdollars => {
  try {
    const value = usd(text)
    if (value > 0) return value
  } catch (error) {
    if (!(error instanceof CostError)) throw error
  }
  throw new Error('must be an amount of US dollars above 0 with at most 6 decimals')
}

const origins = (text: string): readonly string[] =>
  text.split(',').map((item) => {
    const origin = item.trim()
    if (origin.includes('*') || !URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new Error(`must be a comma list of origins such as https://console.example.com, not ${origin}`)
    }
    return origin
  })

/** What a user's password may be, in code points (http-api 4.1). */
const PASSWORD_MIN = 8
const PASSWORD_MAX = 1_000

const password = (text: string): string => {
  const length = Array.from(text).length
  if (length < PASSWORD_MIN || length > PASSWORD_MAX) {
    throw new Error(`must be ${PASSWORD_MIN} to ${PASSWORD_MAX} characters long`)
  }
  return text
}

const email = (text: string): string => {
  if (!/^[^\s@]+@[^\s@]+$/.test(text) || text.length > 255) throw new Error('must be an e-mail address')
  return text
}

const databaseUrl = (text: string): string => {
  try {
    parseSource(text)
  } catch {
    // What is wrong with it might show the password in it.
    throw new Error('must be a path, sqlite:…, file:…, :memory: or a postgres:// URL')
  }
  return text
}

/** The client takes whatever else it is given for a host's name or a socket, and a server would limit on its own for ever. */
const redisUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isServer = url !== undefined && /^rediss?:$/.test(url.protocol) && url.hostname !== ''
  if (!(isServer && /^\/?\d*$/.test(url.pathname)) && !text.startsWith('/')) {
    // The value might show a password.
    throw new Error('must be a redis:// or rediss:// URL, or the path of a socket')
  }
  return text
}

const httpUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new Error('must be an http or https URL without query, for example http://localhost:4318')
  }
  return text
}

const headerPairs = (text: string): string => {
  if (!text.split(',').every((pair) => /^\s*[\w!#$%&'*+.^`|~-]+\s*=[\x20-\x7e]*$/.test(pair))) {
    throw new Error('must be a comma list of name=value')
  }
  return text
}

const ratio = (text: string): number => {
  const value = /^\d(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= 1)) throw new Error('must be a number from 0 to 1')
  return value
}

function prices(text: string): readonly PriceInput[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(text, 'utf8'))
  } catch (error) {
    throw new Error(`must name a readable JSON file: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!Array.isArray(parsed)) throw new Error('must name a file with a JSON array of prices')
  const inputs = parsed as PriceInput[]
  try {
    createPriceBook([...inputs])
  } catch (error) {
    if (!(error instanceof CostError)) throw error
    const rules = Object.entries((error.details['fields'] ?? {}) as Readonly<Record<string, string>>)
    throw new Error(`must hold prices: ${rules.map(([place, rule]) => `${place} ${rule}`).join('; ')}`, {
      cause: error,
    })
  }
  return inputs
}

/** Reads the address of a server. @throws Error whose message is the rule */
export function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) throw new Error('must be an http(s):// address')
  return url.href.replace(/\/$/, '')
}

function ceiling(text: string): Rates {
  const [input, output, ...rest] = text.split('/')
  if (input === undefined || output === undefined || rest.length > 0) {
    throw new Error('must be input/output in US dollars per million tokens, for example 30/180')
  }
  return { input: amount(input), output: amount(output) }
}

function rateLimit(text: string): RateLimit {
  if (text === 'off') return 'off'
  const match = /^(\d{1,9})\/(\d{1,5})$/.exec(text)
  const limit = { count: Number(match?.[1]), seconds: Number(match?.[2]) }
  if (match === null || limit.seconds < 1 || limit.seconds > 86_400) {
    throw new Error('must be <count>/<seconds> with 1 to 86400 seconds, or off')
  }
  return limit
}

const DAY_LIMITS = [1, 36_500] as const
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

const VARIABLES = {
  environment: variable(
    'IRON_ENV',
    'development',
    '`production` refuses generated secrets, demo seed and wipe',
    oneOf('development', 'test', 'production'),
  ),
  host: variable('HOST', '127.0.0.1', 'the address to listen on', asText),
  port: variable('PORT', '3000', 'the port; 0 picks a free one', integer(0, 65_535)),
  databaseUrl: {
    ...variable('DATABASE_URL', 'sqlite:./iron.db', 'a SQLite path or a `postgres://` URL', databaseUrl),
    secret: true,
  },
  redisUrl: { ...variable('REDIS_URL', '–', 'rate limits shared by processes', redisUrl), secret: true },
  jwtSecret: secret(
    'JWT_SECRET',
    'generated',
    'signs sessions: a comma list `id:base64` of keys of ≥ 32 bytes, the first is current; or one plain text of ≥ 32 bytes, whose key id is `default`',
  ),
  icTokenSecret: secret('IC_TOKEN_SECRET', 'generated', 'signs IC tokens; as JWT_SECRET'),
  masterKeys: secret(
    'IRON_MASTER_KEYS',
    'generated',
    'seals provider keys: a comma list `id:base64` of 32-byte keys, the first is current',
  ),
  auditKey: secret(
    'IRON_AUDIT_KEY',
    '–',
    'makes the audit chain an HMAC; ≥ 32 bytes; chosen before the first start and kept',
  ),
  metricsToken: secret('IRON_METRICS_TOKEN', '–', 'lets a scraper read /metrics; ≥ 16 bytes'),
  adminEmail: variable('IRON_ADMIN_EMAIL', 'admin@localhost', 'the first admin, only on an empty users table', email),
  adminPassword: secret(
    'IRON_ADMIN_PASSWORD',
    'generated',
    'of the first admin; a generated one is printed once to stderr',
    password,
  ),
  allowedOrigins: variable('ALLOWED_ORIGINS', 'none', 'a comma list of exact origins for CORS and WebSocket', origins),
  trustedProxies: variable('TRUST_PROXY', '0', 'how many proxies are believed in X-Forwarded-For', integer(0, 20)),
  logLevel: variable('LOG_LEVEL', 'info', 'what is logged to stderr', oneOf(...LEVELS)),
  autoMigrate: variable(
    'IRON_AUTO_MIGRATE',
    'true',
    '`false` only verifies the schema; `true` is needed to change a PostgreSQL that holds data',
    flag,
  ),
  migrateDatabaseUrl: {
    ...variable('IRON_MIGRATE_DATABASE_URL', 'DATABASE_URL', 'the owner role that `iron migrate` uses', databaseUrl),
    secret: true,
  },
  prices: variable('IRON_PRICES_FILE', '–', 'a JSON array of prices that override the bundled book', prices),
  ceiling: variable(
    'IRON_PRICE_CEILING',
    'dearest known',
    'price of unknown models, input/output in USD per million tokens',
    ceiling,
  ),
  leaseTtlMs: variable(
    'IRON_LEASE_TTL_SECONDS',
    '3600',
    'how long a lease lives after its last report',
    seconds(60, 86_400),
  ),
  leaseGraceMs: variable('IRON_LEASE_GRACE_SECONDS', '60', 'how long it holds its money after that', seconds(0, 600)),
  sweepMs: variable('IRON_SWEEP_SECONDS', '15', 'how often overdue leases are looked for', seconds(1, 60)),
  grantDefault: variable('IRON_GRANT_DEFAULT_USD', '10', 'the grant when none is asked for', amount),
  grantMax: variable('IRON_GRANT_MAX_USD', '1000', 'the largest single grant', amount),
  leasesMax: variable('IRON_LEASES_MAX', '32', 'open leases per agent', integer(1, 1_000)),
  wsMaxPerPrincipal: variable(
    'IRON_WS_MAX_PER_PRINCIPAL',
    '20',
    'WebSocket connections of one principal',
    integer(1, 100_000),
  ),
  wsMaxPerAddress: variable(
    'IRON_WS_MAX_PER_ADDRESS',
    '100',
    'WebSocket connections from one address',
    integer(1, 100_000),
  ),
  wsMax: variable('IRON_WS_MAX', '10000', 'WebSocket connections of this process', integer(1, 1_000_000)),
  retainEventsDays: variable('IRON_RETAIN_EVENTS_DAYS', '30', 'days events are kept', integer(...DAY_LIMITS)),
  retainRequestsDays: variable('IRON_RETAIN_REQUESTS_DAYS', '90', 'days the call log is kept', integer(60, 36_500)),
  retainSpansDays: variable('IRON_RETAIN_SPANS_DAYS', '30', 'days traces are kept', integer(...DAY_LIMITS)),
  docs: variable('IRON_DOCS', 'on', 'whether /docs and /openapi.json are served', flag),
  remoteUrl: variable(
    'IRON_URL',
    'http://127.0.0.1:3000',
    'the server that `iron agents`, `watch`… talk to',
    serverUrl,
  ),
  remoteToken: secret('IRON_TOKEN', '–', 'the API token they talk with'),
  tracesEndpoint: {
    ...variable('OTEL_EXPORTER_OTLP_ENDPOINT', '–', 'the OpenTelemetry collector that takes traces', httpUrl),
    secret: true,
  },
  tracesHeaders: secret('OTEL_EXPORTER_OTLP_HEADERS', '–', 'headers for it: a comma list name=value', headerPairs),
  tracesServiceName: variable('OTEL_SERVICE_NAME', 'iron-control-api', 'the name that traces carry', asText),
  tracesSampler: variable(
    'OTEL_TRACES_SAMPLER',
    'parentbased_always_on',
    'which requests are traced: see Traces',
    oneOf(...SAMPLERS),
  ),
  tracesSamplerRatio: variable('OTEL_TRACES_SAMPLER_ARG', '1', 'share of requests that ratio samplers keep', ratio),
} as const satisfies Record<string, Variable<unknown>>

const RATE_PREFIX = 'IRON_RATE_LIMIT_'
/** Names that belong to tests of this project. */
const TEST_NAMES = /^IRON_(TEST_|REQUIRE_SERVICES$)/

/** The table of the README. */
export function describeVariables(): { readonly name: string; readonly default: string; readonly meaning: string }[] {
  const rates = {
    name: `${RATE_PREFIX}<CLASS>`,
    default: 'see Rate limits',
    meaning: '`<count>/<seconds>` or `off`, for each rate class',
  }
  return [
    ...Object.values(VARIABLES).map(({ name, default: text, meaning }) => ({ name, default: text, meaning })),
    rates,
  ]
}

/**
 * Reads the configuration.
 *
 * @throws {ConfigError} naming every fault
 */
export function loadConfig(environment: Environment = process.env): ControlApiConfig {
  const faults: string[] = []
  const read = <T>(key: { readonly name: string; readonly parse: (text: string) => T }): T | undefined => {
    const text = environment[key.name]?.trim()
    if (text === undefined || text === '') return undefined
    try {
      return key.parse(text)
    } catch (error) {
      faults.push(`${key.name} ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }
  const { environment: environmentVariable, ...others } = VARIABLES
  const mode = read(environmentVariable) ?? 'development'
  const config: ControlApiConfig = {
    environment: mode,
    host: read(others.host) ?? '127.0.0.1',
    port: read(others.port) ?? 3_000,
    databaseUrl: read(others.databaseUrl) ?? 'sqlite:./iron.db',
    redisUrl: read(others.redisUrl),
    jwtSecret: read(others.jwtSecret),
    icTokenSecret: read(others.icTokenSecret),
    masterKeys: read(others.masterKeys),
    auditKey: read(others.auditKey),
    metricsToken: read(others.metricsToken),
    adminEmail: read(others.adminEmail) ?? 'admin@localhost',
    adminPassword: read(others.adminPassword),
    allowedOrigins: read(others.allowedOrigins) ?? [],
    trustedProxies: read(others.trustedProxies) ?? 0,
    logLevel: read(others.logLevel) ?? 'info',
    autoMigrate: read(others.autoMigrate),
    migrateDatabaseUrl: read(others.migrateDatabaseUrl),
    prices: read(others.prices) ?? [],
    ceiling: read(others.ceiling),
    leaseTtlMs: read(others.leaseTtlMs),
    leaseGraceMs: read(others.leaseGraceMs),
    sweepMs: read(others.sweepMs) ?? 15_000,
    grantDefault: read(others.grantDefault),
    grantMax: read(others.grantMax),
    leasesMax: read(others.leasesMax),
    wsMaxPerPrincipal: read(others.wsMaxPerPrincipal),
    wsMaxPerAddress: read(others.wsMaxPerAddress),
    wsMax: read(others.wsMax),
    retainEventsDays: read(others.retainEventsDays) ?? 30,
    retainRequestsDays: read(others.retainRequestsDays) ?? 90,
    retainSpansDays: read(others.retainSpansDays) ?? 30,
    docs: read(others.docs) ?? true,
    remoteUrl: read(others.remoteUrl) ?? 'http://127.0.0.1:3000',
    remoteToken: read(others.remoteToken),
    tracesEndpoint: read(others.tracesEndpoint),
    tracesHeaders: read(others.tracesHeaders),
    tracesServiceName: read(others.tracesServiceName) ?? 'iron-control-api',
    tracesSampler: read(others.tracesSampler) ?? 'parentbased_always_on',
    tracesSamplerRatio: read(others.tracesSamplerRatio) ?? 1,
    rateLimits: Object.freeze(readRateLimits(environment, read)),
  }
  faults.push(...unknownNames(environment), ...shortSecrets(config), ...grantFaults(config))
  if (faults.length > 0) throw new ConfigError(faults)
  return sealConfig(config)
}

function readRateLimits(
  environment: Environment,
  read: <T>(key: { readonly name: string; readonly parse: (text: string) => T }) => T | undefined,
): Partial<Record<RateClass, RateLimit>> {
  const limits: Partial<Record<RateClass, RateLimit>> = {}
  for (const rateClass of RATE_CLASS_NAMES) {
    const name = `${RATE_PREFIX}${rateClass.toUpperCase()}`
    if (environment[name] === undefined) continue
    const limit = read({ name, parse: rateLimit })
    if (limit !== undefined) limits[rateClass] = limit
  }
  return limits
}

function unknownNames(environment: Environment): string[] {
  const known = new Set([
    ...Object.values(VARIABLES).map(({ name }) => name),
    ...RATE_CLASS_NAMES.map((rateClass) => `${RATE_PREFIX}${rateClass.toUpperCase()}`),
  ])
  return Object.keys(environment)
    .filter((name) => name.startsWith('IRON_') && !known.has(name) && !TEST_NAMES.test(name))
    .map((name) => `${name} is not known`)
}

/** Least bytes of a signing secret (SEC-21). */
const SECRET_BYTES_MIN = 32
/** Least bytes of the scrape token, which is tried over the network only. */
const METRICS_TOKEN_BYTES_MIN = 16

function shortSecrets(config: ControlApiConfig): string[] {
  const faults: string[] = []
  for (const [name, value] of [
    ['JWT_SECRET', config.jwtSecret],
    ['IC_TOKEN_SECRET', config.icTokenSecret],
    ['IRON_MASTER_KEYS', config.masterKeys],
    ['IRON_AUDIT_KEY', config.auditKey],
  ] as const) {
    if (value !== undefined && Buffer.byteLength(value) < SECRET_BYTES_MIN)
      faults.push(`${name} must have at least ${SECRET_BYTES_MIN} bytes`)
  }
  if (config.metricsToken !== undefined && Buffer.byteLength(config.metricsToken) < METRICS_TOKEN_BYTES_MIN) {
    faults.push(`IRON_METRICS_TOKEN must have at least ${METRICS_TOKEN_BYTES_MIN} bytes`)
  }
  return faults
}

function grantFaults(config: ControlApiConfig): string[] {
  const { grantDefault = usd(VARIABLES.grantDefault.default), grantMax = usd(VARIABLES.grantMax.default) } = config
  if (grantDefault <= grantMax) return []
  return [
    `IRON_GRANT_DEFAULT_USD must be at most IRON_GRANT_MAX_USD, but is ${toUsd(grantDefault)} of ${toUsd(grantMax)}`,
  ]
}

const SECRETS = new Set(
  Object.entries(VARIABLES)
    .filter(([, { secret: isSecret }]: [string, { readonly secret?: boolean }]) => isSecret === true)
    .map(([key]) => key),
)

/** Freezes a configuration so that its secrets show neither in a log nor in a dump (SEC-01). */
export function sealConfig(config: ControlApiConfig): ControlApiConfig {
  const shown = (): object =>
    Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        key,
        SECRETS.has(key) && value !== undefined ? '[redacted]' : (value as unknown),
      ]),
    )
  return Object.freeze(
    Object.defineProperties(
      { ...config },
      {
        toJSON: { value: shown, enumerable: false },
        [inspect.custom]: { value: shown, enumerable: false },
      },
    ),
  )
}
