/**
 * The three secrets of an installation (rulings R5): given by the environment, or generated once beside a SQLite file outside
 * production. With PostgreSQL every process must be given the same three.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { parseSource } from '@iron/database'
import { parseMasterKeys, type VaultKey } from '@iron/ip-token-crypto'
import { ConfigError, type ControlApiConfig } from './config.ts'

/** A signing key: the first of a list signs, all verify. */
export interface SigningKey {
  readonly kid: string
  readonly secret: string | Uint8Array
}

/** The secrets, ready to use. */
export interface Secrets {
  readonly jwt: readonly [SigningKey, ...SigningKey[]]
  readonly icToken: readonly [SigningKey, ...SigningKey[]]
  readonly masterKeys: readonly [VaultKey, ...VaultKey[]]
}

const NAMES = ['JWT_SECRET', 'IC_TOKEN_SECRET', 'IRON_MASTER_KEYS'] as const
type SecretTexts = Record<(typeof NAMES)[number], string>

/** Bytes of a generated secret. */
const SECRET_BYTES = 32

/** A fresh set, as lines for an environment file. */
export function generateSecrets(id = `k${randomBytes(2).toString('hex')}`): SecretTexts {
  const secret = (): string => `${id}:${randomBytes(SECRET_BYTES).toString('base64')}`
  return { JWT_SECRET: secret(), IC_TOKEN_SECRET: secret(), IRON_MASTER_KEYS: secret() }
}

/**
 * Finds the secrets of the configured database.
 *
 * @throws {ConfigError} naming the missing or malformed ones
 */
export function loadSecrets(config: ControlApiConfig): Secrets {
  const given = {
    JWT_SECRET: config.jwtSecret,
    IC_TOKEN_SECRET: config.icTokenSecret,
    IRON_MASTER_KEYS: config.masterKeys,
  }
  const missing = NAMES.filter((name) => given[name] === undefined)
  const { auditKey } = config
  if (missing.length === 0) return parse(given as SecretTexts, auditKey)
  const file = sqliteFile(config.databaseUrl)
  if (config.environment === 'production' || file === undefined) {
    const why = config.environment === 'production' ? 'in production' : 'with PostgreSQL'
    throw new ConfigError(
      missing.map((name) => `${name} is required ${why}; \`iron vault generate\` prints a fresh set`),
    )
  }
  const generated = file === ':memory:' ? generateSecrets('dev1') : readOrCreate(`${file}.secrets`)
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return parse({ ...generated, ...chosen }, auditKey)
}

function parse(texts: SecretTexts, auditKey: string | undefined): Secrets {
  const faults: string[] = []
  const attempt = <T>(name: string, read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      faults.push(`${name} ${error instanceof Error ? error.message : 'is not valid'}`)
      return undefined
    }
  }
  const jwt = attempt('JWT_SECRET', () => parseSigningKeys(texts.JWT_SECRET))
  const icToken = attempt('IC_TOKEN_SECRET', () => parseSigningKeys(texts.IC_TOKEN_SECRET))
  const masterKeys = attempt('IRON_MASTER_KEYS', () => parseMasterKeys(texts.IRON_MASTER_KEYS))
  if (jwt === undefined || icToken === undefined || masterKeys === undefined) throw new ConfigError(faults)
  refuseShared({
    JWT_SECRET: jwt.map(({ secret }) => secret),
    IC_TOKEN_SECRET: icToken.map(({ secret }) => secret),
    IRON_MASTER_KEYS: masterKeys.map(({ key }) => key),
    IRON_AUDIT_KEY: auditKey === undefined ? [] : [auditKey],
  })
  return { jwt, icToken, masterKeys }
}

/** One key for two purposes would let what one of them signs or seals pass for the other's. @throws {ConfigError} */
function refuseShared(keys: Readonly<Record<string, readonly (string | Uint8Array)[]>>): void {
  const owners = new Map<string, string>()
  for (const [name, list] of Object.entries(keys)) {
    for (const bytes of new Set(list.map((key) => Buffer.from(key as Uint8Array).toString('hex')))) {
      const other = owners.get(bytes)
      if (other !== undefined) throw new ConfigError([`${other} and ${name} must not share a key`])
      owners.set(bytes, name)
    }
  }
}

const KEY_ID = /^[A-Za-z0-9._-]{1,32}$/

/** `id:base64,id:base64` with at least 32 bytes each, or one plain text of at least 32 bytes, whose id is `default`. */
function parseSigningKeys(text: string): [SigningKey, ...SigningKey[]] {
  const [first, ...rest] = text.split(',').map((item): SigningKey => {
    const colon = item.indexOf(':')
    const kid = item.slice(0, Math.max(0, colon))
    if (!KEY_ID.test(kid)) {
      if (text.includes(',')) throw new Error('must be a list id:base64,id:base64')
      return { kid: 'default', secret: text }
    }
    const secret = Buffer.from(item.slice(colon + 1), 'base64')
    if (secret.length < SECRET_BYTES) throw new Error(`key ${kid} must have at least ${SECRET_BYTES} bytes`)
    return { kid, secret }
  })
  if (first === undefined) throw new Error('must not be empty')
  if (new Set([first, ...rest].map(({ kid }) => kid)).size !== rest.length + 1) throw new Error('key ids must differ')
  return [first, ...rest]
}

/** The file behind a URL, absolute; `:memory:` for a database without one, undefined for PostgreSQL. */
export function sqliteFile(databaseUrl: string): string | undefined {
  const place = parseSource(databaseUrl)
  return place.dialect === 'sqlite' ? place.file : undefined
}

/** Only the owner may read or write it. */
const OWNER_ONLY = 0o600

function readOrCreate(file: string): SecretTexts {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      return readSecrets(file)
    } catch (error) {
      if (!isMissing(error)) throw error
      create(file)
    }
  }
  return readSecrets(file)
}

function readSecrets(file: string): SecretTexts {
  const text = readFileSync(file, 'utf8')
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    throw new ConfigError([`${path.basename(file)} can be read by others: chmod 600 it`])
  }
  const lines = text
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
  const found = Object.fromEntries(lines.filter(([name]) => name !== '')) as Partial<SecretTexts>
  const missing = NAMES.filter((name) => found[name] === undefined)
  if (missing.length > 0) throw new ConfigError(missing.map((name) => `${name} is missing in ${path.basename(file)}`))
  return found as SecretTexts
}

/** Written beside, then linked into place: of two processes that start at once one wins and both read the same. */
function create(file: string): void {
  const text = Object.entries(generateSecrets('dev1')).map(([name, value]) => `${name}=${value}\n`)
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  const descriptor = openSync(draft, 'wx', OWNER_ONLY)
  try {
    writeSync(descriptor, text.join(''))
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  try {
    linkSync(draft, file)
  } catch (error) {
    if (!isExisting(error)) throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT'
const isExisting = (error: unknown): boolean => codeOf(error) === 'EEXIST'

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
