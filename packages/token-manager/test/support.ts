import { generateMasterKey, SecretVault } from '@iron/ip-token-crypto'
import type { IronDatabase } from '@iron/database'
import type { TestDb } from '@iron/database/testing'
import { type NewUser, SessionService, type SessionServiceOptions, UserService } from '../src/index.ts'

/** Cheap hashes: what is proved does not depend on the cost. */
export const TEST_COST = 4
export const TEST_KEY = { kid: 'k1', secret: 'a signing secret of the tests, 32 bytes or more' }
export const ADMIN = 'user-admin'

export function usersOn(db: IronDatabase): UserService {
  return new UserService(db, { bcryptCost: TEST_COST })
}

export function sessionsOn(db: IronDatabase, options: Partial<SessionServiceOptions> = {}): SessionService {
  return new SessionService(db, { keys: [TEST_KEY], bcryptCost: TEST_COST, cacheMs: 0, ...options })
}

export const ANN: NewUser = { username: 'ann', email: 'ann@example.com', password: 'correct horse battery' }

/** The operations audited so far, about one thing or about everything, oldest first. */
export async function audited(test: TestDb, about: { type?: string; id?: string } = {}): Promise<string[]> {
  const rows = await test.rows<{ operation: string; resource_type: string; resource_id: string | null }>(
    'SELECT operation, resource_type, resource_id FROM audit_log ORDER BY seq',
  )
  const { type, id } = about
  return rows
    .filter((row) => (type === undefined || row.resource_type === type) && (id === undefined || row.resource_id === id))
    .map(({ operation }) => operation)
}

/** Every row of every table as text, to search for what must not be there. */
export async function everything(test: TestDb): Promise<string> {
  const names = await test.rows<{ name: string }>(
    test.db.dialect === 'postgres'
      ? "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
      : "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  )
  const rows = await Promise.all(names.map(({ name }) => test.rows(`SELECT * FROM ${name}`)))
  return JSON.stringify(rows)
}

export function freshVault(id = 'k1'): SecretVault {
  return new SecretVault([{ id, key: generateMasterKey() }])
}
