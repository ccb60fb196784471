import { createTestDb, type TestDb } from '@iron/database/testing'
import { AuditLog } from '@iron/journal'
import { LimitEnforcer } from '../limit-enforcer.ts'
import { TokenManager } from '../token-manager.ts'
import { insertToken } from '../tokens/insert-token.ts'
import { UsageTracker } from '../usage-tracker.ts'
import { UserService } from '../user-service.ts'
import { requireOwner } from '../users/provision-owner.ts'
import { TEST_BCRYPT_COST } from './seeded-db.ts'

/** Options of {@link createTestStorage}. */
export interface TestStorageOptions {
  /** Default `sqlite`. */
  readonly dialect?: 'sqlite' | 'postgres' | undefined
}

/** Services of this package on one database of a test's own. */
export interface TestStorage extends AsyncDisposable {
  readonly db: TestDb
  readonly users: UserService
  readonly tokens: TokenManager
  readonly usage: UsageTracker
  readonly limits: LimitEnforcer
  /** Writes rows past the rules of issuing. */
  readonly storage: {
    /**
     * Stores a token with a secret of the caller's choice; an unknown owner is created. `agentId` and `provider` are taken
     * for older callers and not stored: a token belongs to a user and to no provider.
     *
     * @returns the id of the token
     */
    createToken(
      secret: string,
      ownerId: string,
      projectId?: string | null,
      name?: string | null,
      agentId?: string | null,
      provider?: string | null,
    ): Promise<string>
  }
}

/** Opens an empty database with the services on it; unknown owners are created. */
export async function createTestStorage(options: TestStorageOptions = {}): Promise<TestStorage> {
  const test = await createTestDb(options)
  const { db } = test
  const audit = new AuditLog(db)
  const createToken: TestStorage['storage']['createToken'] = (secret, ownerId, projectId = null, name = null) =>
    db.write(async (tx) => {
      const nowMs = db.clock.now()
      await requireOwner(tx, ownerId, ownerId, { provision: true, audit, nowMs })
      const id = db.ids.next('tok')
      await insertToken(
        tx,
        secret,
        { id, ownerId, projectId, name, createdAt: nowMs },
        { actor: ownerId, audit, nowMs },
      )
      return id
    })
  return {
    db: test,
    users: new UserService(db, { bcryptCost: TEST_BCRYPT_COST }),
    tokens: new TokenManager(db, { provisionOwners: true }),
    usage: new UsageTracker(db),
    limits: new LimitEnforcer(db, { provisionOwners: true }),
    storage: { createToken },
    [Symbol.asyncDispose]: () => test.close(),
  }
}
