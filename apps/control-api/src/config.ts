/**
 * Environment → one frozen, typed configuration. Unknown `IRON_*` names are refused, and every fault is reported at once (OPS-06).
 */
import { inspect } from 'node:util'
import { type Microdollars, type PriceInput, type Rates, toUsd, usd } from '@iron/cost-calculator'
import type { RateLimit } from './config/read-value.ts'
import { RATE_VARIABLES, type Values, type Variable, VARIABLES } from './config/variables.ts'
import type { RateClass } from './http/rate-classes.ts'
import type { SAMPLERS } from './observability/tracing.ts'

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

/** Names that belong to tests of this project. */
const TEST_NAMES = /^IRON_(TEST_|REQUIRE_SERVICES$)/

/**
 * Reads the configuration.
 *
 * @throws {ConfigError} naming every fault
 */
export function loadConfig(environment: Readonly<Record<string, string | undefined>> = process.env): ControlApiConfig {
  const faults: string[] = []
  const read = <T, Unset>({ name, parse, unset }: Variable<T, Unset>): T | Unset => {
    const text = environment[name]?.trim()
    if (text === undefined || text === '') return unset
    try {
      return parse(text)
    } catch (error) {
      faults.push(`${name} ${error instanceof Error ? error.message : String(error)}`)
      return unset
    }
  }
  const values = Object.entries<Variable<unknown>>(VARIABLES).map(([key, variable]) => [key, read(variable)])
  const rateLimits: Partial<Record<RateClass, RateLimit>> = {}
  for (const { rateClass, ...variable } of RATE_VARIABLES) {
    const limit = read(variable)
    if (limit !== undefined) rateLimits[rateClass] = limit
  }
  const config: ControlApiConfig = { ...(Object.fromEntries(values) as Values), rateLimits: Object.freeze(rateLimits) }
  faults.push(...unknownNames(Object.keys(environment)), ...shortSecrets(config), ...grantFaults(config))
  if (faults.length > 0) throw new ConfigError(faults)
  return sealConfig(config)
}

function unknownNames(names: readonly string[]): string[] {
  const known = new Set([...Object.values(VARIABLES), ...RATE_VARIABLES].map(({ name }) => name))
  return names
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
  Object.entries<Variable<unknown>>(VARIABLES).flatMap(([key, { secret }]) => (secret === true ? [key] : [])),
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
