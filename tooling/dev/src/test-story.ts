/** The seed as tests see it: at one instant, with secrets that everybody knows, so that all of it repeats. */
import { loadConfig, openForSeeding, type Secrets, tellSeed } from '@iron/control-api/development'
import { manualClock, TEST_SECRETS } from '@iron/token-manager/testing'

/** Hashes that cost nothing. */
const TEST_BCRYPT_COST = 4

/** A configuration without an installation. */
export const testConfig = loadConfig({ LOG_LEVEL: 'fatal' })

/** "Now" of the tests, 2026-01-15T12:00:00.000Z. */
export const TEST_ANCHOR_MS = Date.UTC(2026, 0, 15, 12)

/** The secrets of all tests, so that what is signed and hashed repeats. */
export const testSecrets: Secrets = {
  jwt: [TEST_SECRETS.jwt],
  icToken: [TEST_SECRETS.icToken],
  masterKeys: [{ id: TEST_SECRETS.masterKey.id, key: Uint8Array.from(TEST_SECRETS.masterKey.key) }],
}

/** The services of a database in memory that was seeded at an anchor. */
export async function tellTestStory(anchor: number) {
  const clock = manualClock(anchor)
  const services = await openForSeeding(testConfig, testSecrets, clock)
  const { agentToken } = await tellSeed(services, testSecrets, { clock, anchor, bcryptCost: TEST_BCRYPT_COST })
  const close = async (): Promise<void> => {
    await services.close()
    await services.database.close()
  }
  return { services, agentToken, close }
}
