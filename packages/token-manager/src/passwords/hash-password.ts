/**
 * Password hashing: SHA-256, then bcrypt (http-api 4.1). The pre-hash makes every byte of a long password count, since bcrypt
 * itself reads 72 bytes and stops at a NUL (AUT-15). Passwords are compared after NFC, so that the same text typed on
 * two systems is the same password (NIST SP 800-63B 3.1.1.2).
 */
import { createHash } from 'node:crypto'
import { Faults } from '@iron/database'
import { refuseFaults, TokenManagerError } from '../errors.ts'
import { runInHashThread } from './hash-pool.ts'

/** Base-two logarithm of bcrypt's rounds: about a quarter of a second in a thread. */
export const BCRYPT_COST = 12
/** Bounds of the cost that bcryptjs accepts. */
const COST_MIN = 4
const COST_MAX = 31
/** Bounds of a password, in code points (http-api 4.1). */
export const PASSWORD_MIN = 8
export const PASSWORD_MAX = 1_000

/** What bcrypt writes, with a cost within its bounds. */
const BCRYPT_HASH = /^\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/

/** A password that has been hashed, ready to be stored: what goes into a transaction. */
export interface PasswordHash {
  readonly passwordHash: string
}

/** Options of {@link hashPassword}. */
export interface HashOptions {
  /** 4..31. Default 12; less is for tests only. */
  readonly cost?: number | undefined
}

/**
 * Hashes a password in a worker thread.
 *
 * @throws {TokenManagerError} VALIDATION_ERROR; HASHING_BUSY (retryable) when too many passwords wait
 */
export async function hashPassword(password: string, options: HashOptions = {}): Promise<PasswordHash> {
  const cost = options.cost ?? BCRYPT_COST
  const faults = new Faults()
  checkPassword(faults, 'password', password)
  checkCost(faults, cost)
  refuseFaults(faults)
  const passwordHash = (await runInHashThread({ kind: 'hash', prehash: prehash(password), cost })) as string
  return Object.freeze({ passwordHash })
}

/**
 * Whether a password is the one a hash was made of. It takes the work of one hash of `cost`, so that time tells nothing
 * (AUT-12): also without a hash (nobody has that e-mail), where the answer is `false`, and with one of a lower cost. A hash
 * of a higher cost takes its own.
 *
 * @throws {TokenManagerError} HASHING_BUSY (retryable)
 */
export async function verifyPassword(password: string, passwordHash: string | null, cost: number): Promise<boolean> {
  const stored = passwordHash !== null && costOf(passwordHash) > 0 ? passwordHash : undefined
  const hash = stored ?? nobodysHash(cost)
  const fillers = fillingCosts(costOf(hash), cost).map(nobodysHash)
  const matches = await runInHashThread({ kind: 'verify', prehash: prehash(password), hash, fillers })
  return stored !== undefined && matches === true
}

/** The costs of the hashes that, computed after one of cost `done`, make up the work of one of cost `wanted`. */
export function fillingCosts(done: number, wanted: number): readonly number[] {
  // 2^d + 2^d + 2^(d+1) + … + 2^(w-1) = 2^w
  return Array.from({ length: Math.max(0, wanted - done) }, (_, index) => done + index)
}

/** The cost a hash was made with; 0 for what is no bcrypt hash. */
export function costOf(passwordHash: string): number {
  return BCRYPT_HASH.test(passwordHash) ? Number(passwordHash.slice(4, 6)) : 0
}

/** Whether two texts are one password. */
export function isSamePassword(one: string, other: string): boolean {
  return one.normalize('NFC') === other.normalize('NFC')
}

/** A password within its bounds, whatever it is made of (no composition rules). */
export function checkPassword(faults: Faults, path: string, password: unknown): void {
  faults.text(path, password, { min: PASSWORD_MIN, max: PASSWORD_MAX })
}

/** A cost bcrypt accepts. */
export function checkCost(faults: Faults, cost: unknown): void {
  faults.integer('bcryptCost', cost, COST_MIN, COST_MAX)
}

/** Whether a value is what {@link hashPassword} returns. */
export function isPasswordHash(value: unknown): value is PasswordHash {
  return (
    typeof value === 'object' &&
    value !== null &&
    'passwordHash' in value &&
    typeof value.passwordHash === 'string' &&
    BCRYPT_HASH.test(value.passwordHash)
  )
}

/**
 * What the transaction stores for a password.
 *
 * @throws {TokenManagerError} PASSWORD_NOT_HASHED for a plain password inside a transaction, which would be held open meanwhile
 */
export async function storedHash(
  password: string | PasswordHash,
  cost: number,
  insideTransaction: boolean,
): Promise<string> {
  if (typeof password !== 'string') return password.passwordHash
  if (insideTransaction) {
    throw new TokenManagerError('PASSWORD_NOT_HASHED', 'inside a transaction pass the result of hashPassword()')
  }
  return (await hashPassword(password, { cost })).passwordHash
}

function prehash(password: string): string {
  return createHash('sha256').update(password.normalize('NFC')).digest('base64')
}

/** A well-formed hash that no password has: its digest is not the output of any salt and input. */
function nobodysHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`
}
