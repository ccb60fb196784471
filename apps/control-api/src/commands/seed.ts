import { loadConfig } from '../config.ts'
import { seedDatabase } from '../seed/seed-database.ts'

/** `iron seed`: fills the configured database, if it is empty, with the demo. */
export async function seedConfigured(): Promise<void> {
  const { anchor, agentToken } = await seedDatabase(loadConfig())
  process.stdout.write(`seeded as of ${new Date(anchor).toISOString()}\n`)
  process.stdout.write(`IC token of support-triage, shown this once: ${agentToken}\n`)
}
