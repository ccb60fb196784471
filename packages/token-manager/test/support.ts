import { generateMasterKey, SecretVault } from '@iron/ip-token-crypto'
import type { IronDatabase } from '@iron/database'
import { AuditLog } from '@iron/journal'
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

/** The operations audited so far about one thing, or about all of one type, oldest first. */
export async function audited(db: IronDatabase, filter: { resourceType?: string; resourceId?: string }): Promise<string[]> {
  const page = await new AuditLog(db).list(filter, { limit: 1_000 })
  return page.data.map(({ operation }) => operation).reverse()
}

export function freshVault(id = 'k1'): SecretVault {
  return new SecretVault([{ id, key: generateMasterKey() }])
}
