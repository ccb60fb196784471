/**
 * Every variable once, with its default and its meaning: the README's table is made from this one. Rate limits have a variable for
 * each class.
 */
import { RATE_CLASS_NAMES, type RateClass } from '../http/rate-classes.ts'
import { SAMPLERS } from '../observability/tracing.ts'
import {
  amount,
  asText,
  ceiling,
  databaseUrl,
  email,
  flag,
  headerPairs,
  httpUrl,
  integer,
  oneOf,
  origins,
  password,
  prices,
  ratio,
  rateLimit,
  type RateLimit,
  redisUrl,
  seconds,
  serverUrl,
} from './read-value.ts'

/** An environment variable, and what its absence means. */
export interface Variable<T, Unset = T | undefined> {
  readonly name: string
  /** As the README shows it. */
  readonly default: string
  readonly meaning: string
  readonly secret?: boolean
  /** Reads a value that is set and not empty. @throws Error whose message is the rule */
  readonly parse: (text: string) => T
  /** The value when it is not set. */
  readonly unset: Unset
}

/** A variable whose default is a value. */
function setting<T>(name: string, text: string, meaning: string, parse: (text: string) => T): Variable<T, T> {
  return { name, default: text, meaning, parse, unset: parse(text) }
}

/** A variable that need not have a value; what happens then is `shown` in the README. */
function optional<T>(name: string, shown: string, meaning: string, parse: (text: string) => T): Variable<T, undefined> {
  return { name, default: shown, meaning, parse, unset: undefined }
}

function secret(name: string, shown: string, meaning: string, parse = asText): Variable<string, undefined> {
  return { ...optional(name, shown, meaning, parse), secret: true }
}

const DAY_LIMITS = [1, 36_500] as const
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export const VARIABLES = {
  environment: setting(
    'IRON_ENV',
    'development',
    '`production` refuses generated secrets, demo seed and wipe',
    oneOf('development', 'test', 'production'),
  ),
  host: setting('HOST', '127.0.0.1', 'the address to listen on', asText),
  port: setting('PORT', '3000', 'the port; 0 picks a free one', integer(0, 65_535)),
  databaseUrl: {
    ...setting('DATABASE_URL', 'sqlite:./iron.db', 'a SQLite path or a `postgres://` URL', databaseUrl),
    secret: true,
  },
  redisUrl: { ...optional('REDIS_URL', '–', 'rate limits shared by processes', redisUrl), secret: true },
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
  adminEmail: setting('IRON_ADMIN_EMAIL', 'admin@localhost', 'the first admin, only on an empty users table', email),
  adminPassword: secret(
    'IRON_ADMIN_PASSWORD',
    'generated',
    "the first admin's password; a generated one is printed once to stderr",
    password,
  ),
  allowedOrigins: {
    ...optional('ALLOWED_ORIGINS', 'none', 'a comma list of exact origins for CORS and WebSocket', origins),
    unset: [],
  },
  trustedProxies: setting('TRUST_PROXY', '0', 'how many proxies are trusted in X-Forwarded-For', integer(0, 20)),
  logLevel: setting('LOG_LEVEL', 'info', 'what is logged to stderr', oneOf(...LEVELS)),
  autoMigrate: optional(
    'IRON_AUTO_MIGRATE',
    'true',
    '`false` only verifies the schema; to migrate a PostgreSQL that holds data, set `true`',
    flag,
  ),
  migrateDatabaseUrl: {
    ...optional('IRON_MIGRATE_DATABASE_URL', 'DATABASE_URL', 'the owner role that `iron migrate` uses', databaseUrl),
    secret: true,
  },
  prices: {
    ...optional('IRON_PRICES_FILE', '–', 'a JSON array of prices that override the bundled book', prices),
    unset: [],
  },
  ceiling: optional(
    'IRON_PRICE_CEILING',
    'dearest known',
    'price of unknown models, input/output in USD per million tokens',
    ceiling,
  ),
  leaseTtlMs: optional(
    'IRON_LEASE_TTL_SECONDS',
    '3600',
    'how long a lease lives after its last report',
    seconds(60, 86_400),
  ),
  leaseGraceMs: optional(
    'IRON_LEASE_GRACE_SECONDS',
    '60',
    'how long an expired lease still holds its money',
    seconds(0, 600),
  ),
  sweepMs: setting('IRON_SWEEP_SECONDS', '15', 'how often overdue leases are swept', seconds(1, 60)),
  grantDefault: optional('IRON_GRANT_DEFAULT_USD', '10', 'the grant when a request names no amount', amount),
  grantMax: optional('IRON_GRANT_MAX_USD', '1000', 'the largest single grant', amount),
  leasesMax: optional('IRON_LEASES_MAX', '32', 'open leases per agent', integer(1, 1_000)),
  wsMaxPerPrincipal: optional(
    'IRON_WS_MAX_PER_PRINCIPAL',
    '20',
    'WebSocket connections of one principal',
    integer(1, 100_000),
  ),
  wsMaxPerAddress: optional(
    'IRON_WS_MAX_PER_ADDRESS',
    '100',
    'WebSocket connections from one address',
    integer(1, 100_000),
  ),
  wsMax: optional('IRON_WS_MAX', '10000', 'WebSocket connections of this process', integer(1, 1_000_000)),
  retainEventsDays: setting('IRON_RETAIN_EVENTS_DAYS', '30', 'days events are kept', integer(...DAY_LIMITS)),
  retainRequestsDays: setting('IRON_RETAIN_REQUESTS_DAYS', '90', 'days the call log is kept', integer(60, 36_500)),
  retainSpansDays: setting('IRON_RETAIN_SPANS_DAYS', '30', 'days traces are kept', integer(...DAY_LIMITS)),
  docs: setting('IRON_DOCS', 'on', 'whether /docs and /openapi.json are served', flag),
  remoteUrl: setting('IRON_URL', 'http://127.0.0.1:3000', 'the server that `iron agents`, `watch`… talk to', serverUrl),
  remoteToken: secret('IRON_TOKEN', '–', 'the API token they use'),
  tracesEndpoint: {
    ...optional('OTEL_EXPORTER_OTLP_ENDPOINT', '–', 'the OpenTelemetry collector that receives traces', httpUrl),
    secret: true,
  },
  tracesHeaders: secret('OTEL_EXPORTER_OTLP_HEADERS', '–', 'headers for it: a comma list name=value', headerPairs),
  tracesServiceName: setting('OTEL_SERVICE_NAME', 'iron-control-api', 'the service name in traces', asText),
  tracesSampler: setting(
    'OTEL_TRACES_SAMPLER',
    'parentbased_always_on',
    'which requests are traced: see Traces',
    oneOf(...SAMPLERS),
  ),
  tracesSamplerRatio: setting('OTEL_TRACES_SAMPLER_ARG', '1', 'share of requests that ratio samplers keep', ratio),
} as const satisfies Record<string, Variable<unknown>>

/** The values of all {@link VARIABLES}. */
export type Values = {
  readonly [Key in keyof typeof VARIABLES]: (typeof VARIABLES)[Key] extends Variable<infer T, infer Unset>
    ? T | Unset
    : never
}

const RATE_PREFIX = 'IRON_RATE_LIMIT_'

/** The variable of each rate class. */
export const RATE_VARIABLES: readonly (Variable<RateLimit, undefined> & { readonly rateClass: RateClass })[] =
  RATE_CLASS_NAMES.map((rateClass) => ({
    ...optional(
      `${RATE_PREFIX}${rateClass.toUpperCase()}`,
      'see Rate limits',
      '`<count>/<seconds>` or `off`',
      rateLimit,
    ),
    rateClass,
  }))

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
