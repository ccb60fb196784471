import { createTestDb, type TestDb } from '@iron/database/testing'
import { SecretVault } from '@iron/ip-token-crypto'
import { seed } from '../seed.ts'
import { TEST_SECRETS } from './test-secrets.ts'

/** Options of {@link createTestDbWithSeed}. */
export interface SeededDbOptions {
  /** Default `sqlite`. */
  readonly dialect?: 'sqlite' | 'postgres' | undefined
  /** Anchor of the seed and where the clock stands, epoch ms. Default 2026-01-15T12:00:00.000Z. */
  readonly at?: number | undefined
}

/** Base-two logarithm of bcrypt's rounds in tests: hashes that cost nothing. */
export const TEST_BCRYPT_COST = 4

/** The vault that opens the seed's provider keys. */
export function testVault(): SecretVault {
  const { id, key } = TEST_SECRETS.masterKey
  return new SecretVault([{ id, key: Uint8Array.from(key) }])
}

/** A database of a test's own with three users, two providers, five API tokens, three limits and some usage. */
export async function createTestDbWithSeed(options: SeededDbOptions = {}): Promise<TestDb> {
  const test = await createTestDb(options)
  try {
    await seed(test.db, { anchor: test.clock.now(), vault: testVault(), bcryptCost: TEST_BCRYPT_COST })
    return test
  } catch (error) {
    await test.close()
    throw error
  }
}
