import { loadConfig, seedDatabase } from '@iron/control-api/development'
import { SEED_PASSWORD, SEED_TOKENS, SEED_USERS } from '@iron/token-manager/testing'
import { disposableFile } from '../database-file.ts'
import { say } from '../say.ts'

/** `db:seed`: fills an empty database. */
export async function seedFile(): Promise<void> {
  const config = loadConfig()
  disposableFile(config)
  const { anchor, agentToken } = await seedDatabase(config)
  say(`seeded    as of ${new Date(anchor).toISOString()}`)
  say(`agent     ${agentToken}`)
  say('          (the IC token of support-triage, good for this database only and shown this once)')
}

/** What a developer logs in with. */
export function sayCredentials(): void {
  const people = SEED_USERS.map(({ email }) => email).join(', ')
  say(`\nPeople    ${people}\nPassword  ${SEED_PASSWORD}\nTokens`)
  for (const { name, secret, expiresInMs = 1, revokedInMs } of SEED_TOKENS) {
    if (revokedInMs === undefined && expiresInMs > 0) say(`  ${name.padEnd(10)}${secret}`)
  }
}
