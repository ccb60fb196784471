export { createTestDb, manualClock, seededIds, seededRandom } from '@iron/database/testing'
export type { ManualClock, TestDb } from '@iron/database/testing'
export {
  SEED_LIMITS,
  SEED_PASSWORD,
  SEED_PROVIDERS,
  SEED_TOKENS,
  SEED_USAGE,
  SEED_USERS,
  type SeedProvider,
  type SeedToken,
  type SeedUsage,
  type SeedUser,
} from './seed/base-data.ts'
export { createTestDbWithSeed, type SeededDbOptions } from './testing/seeded-db.ts'
export { TEST_SECRETS } from './testing/test-secrets.ts'
export { createTestStorage, type TestStorage, type TestStorageOptions } from './testing/test-storage.ts'
