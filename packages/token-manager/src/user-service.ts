/**
 * User accounts. It keeps user names and e-mails unique whatever their spelling, stores passwords only as slow hashes, and
 * writes every change together with its audit entry.
 */
import {
  type AtTx,
  type Cursor,
  type DbSource,
  Faults,
  type InTx,
  type IronDatabase,
  type ServiceOptions,
  type WriteTx,
} from '@iron/database'
import type { ActorRef, AuditEntry } from '@iron/journal'
import type { Role } from '@iron/rbac'
import { AuditedService } from './audited-service.ts'
import { refuseFaults, TokenManagerError } from './errors.ts'
import { BCRYPT_COST, checkCost, storedHash } from './passwords/hash-password.ts'
import { type CheckedUser, checkNewUser, type NewUser } from './users/new-user.ts'
import { insertUser, userById } from './users/statements.ts'
import { requireOwner } from './users/provision-owner.ts'
import { toUser, type User, type UserRow } from './users/user.ts'

/** Options of {@link UserService}. */
export interface UserServiceOptions extends ServiceOptions {
  /** Base-two logarithm of bcrypt's rounds. Default 12. */
  readonly bcryptCost?: number | undefined
}

/** Who creates the first admin: nobody is there yet. */
const BOOTSTRAP: ActorRef = Object.freeze({ type: 'system', id: 'system:bootstrap' })

/** User accounts: created, found, and what was done to them. */
export class UserService extends AuditedService {
  readonly #cost: number

  /** @throws {TokenManagerError} VALIDATION_ERROR for a cost bcrypt does not know */
  constructor(source: DbSource, options: UserServiceOptions = {}) {
    super(source, options)
    this.#cost = options.bcryptCost ?? BCRYPT_COST
    const faults = new Faults()
    checkCost(faults, this.#cost)
    refuseFaults(faults)
  }

  /**
   * Creates a user; the password is hashed in a worker thread. Audited as `USER_CREATED`.
   *
   * @param actor who creates; recorded, not looked up
   * @throws {TokenManagerError} VALIDATION_ERROR; DUPLICATE_USERNAME, DUPLICATE_EMAIL (`details.existing_id`);
   * PASSWORD_NOT_HASHED for a plain password inside a transaction; HASHING_BUSY
   */
  createUser(username: string, password: string, email: string, role: Role, actor: ActorRef): Promise<User>
  createUser(user: NewUser, actor: ActorRef, options?: InTx): Promise<User>
  createUser(
    ...call:
      | [username: string, password: string, email: string, role: Role, actor: ActorRef]
      | [user: NewUser, actor: ActorRef, options?: InTx]
  ): Promise<User> {
    if (typeof call[0] === 'object') return this.#create(call[0], call[1], call[2] as InTx | undefined)
    const [username, password, email, role, actor] = call as [string, string, string, Role, ActorRef]
    return this.#create({ username, password, email, role }, actor)
  }

  /**
   * Creates the first user, an admin, on an empty users table. Of several concurrent calls one succeeds.
   *
   * @throws {TokenManagerError} ALREADY_BOOTSTRAPPED when there is a user, even a deleted one; otherwise as `createUser`
   */
  async bootstrapAdmin(user: Omit<NewUser, 'role'>): Promise<User> {
    const admin: NewUser = { ...user, role: 'admin' }
    const checked = checkNewUser(admin)
    await this.read((tx) => refuseUnlessEmpty(tx))
    const passwordHash = await storedHash(admin.password, this.#cost, false)
    return this.write(async (tx, db) => {
      await tx.lock('users:bootstrap')
      await refuseUnlessEmpty(tx)
      return this.#insert(tx, db, { ...checked, id: admin.id, passwordHash }, BOOTSTRAP)
    })
  }

  /** A user by id, deleted ones too. */
  getUser(id: string, options: AtTx = {}): Promise<User | undefined> {
    return this.read(
      async (tx) => {
        const row = await userById.first(tx, { id })
        return row === undefined ? undefined : toUser(row)
      },
      { tx: options.tx, lookup: true },
    )
  }

  /**
   * Makes sure that somebody can own things, in the caller's transaction. With `provision`, an unknown id becomes a user without
   * e-mail and password, who owns and cannot log in.
   *
   * @throws {TokenManagerError} USER_NOT_FOUND for a deleted owner, and for an unknown one without `provision`
   */
  async requireOwner(
    id: string,
    actor: ActorRef,
    options: { readonly tx: WriteTx; readonly provision?: boolean | undefined },
  ): Promise<User> {
    const db = await this.ready()
    const { tx, provision = false } = options
    await requireOwner(tx, id, actor, { provision, audit: this.auditOf(db), nowMs: this.clock.now() })
    const row = await userById.first(tx, { id })
    if (row === undefined) throw new TokenManagerError('USER_NOT_FOUND', 'there is no such user')
    return toUser(row)
  }

  /** What was done to a user, newest first unless `order` says otherwise. */
  async getUserAuditLog(id: string, options: Cursor & AtTx = {}): Promise<readonly AuditEntry[]> {
    const db = await this.ready()
    const page = await this.auditOf(db).list({ resourceType: 'user', resourceId: id }, options)
    return page.data
  }

  /** Whether this is an active admin and there is no other. */
  isOnlyActiveAdmin(id: string, options: AtTx = {}): Promise<boolean> {
    return this.read(async (tx) => {
      const admins = await tx.sql
        .selectFrom('users')
        .select('id')
        .where('role', '=', 'admin')
        .where('suspended_at', 'is', null)
        .where('deleted_at', 'is', null)
        .limit(2)
        .execute()
      return admins.length === 1 && admins[0]?.id === id
    }, options)
  }

  async #create(user: NewUser, actor: ActorRef, options: InTx = {}): Promise<User> {
    const checked = checkNewUser(user)
    const passwordHash = await storedHash(user.password, this.#cost, options.tx !== undefined)
    return this.write((tx, db) => this.#insert(tx, db, { ...checked, id: user.id, passwordHash }, actor), options)
  }

  async #insert(tx: WriteTx, db: IronDatabase, user: UserToStore, actor: ActorRef): Promise<User> {
    const id = user.id ?? this.idsOf(db).next('user')
    const row = await insertUser.first(tx, {
      ...user,
      id,
      forcePasswordChange: user.forcePasswordChange ? 1 : 0,
      at: this.clock.now(),
    })
    if (row === undefined) throw await duplicateOf(tx, user, id)
    this.auditOf(db).defer(
      { operation: 'USER_CREATED', resourceType: 'user', resourceId: id, actor, changes: { after: auditedUser(row) } },
      { tx },
    )
    return toUser(row)
  }
}

interface UserToStore extends CheckedUser {
  readonly id: string | undefined
  readonly passwordHash: string
}

async function refuseUnlessEmpty(tx: Pick<WriteTx, 'sql'>): Promise<void> {
  const anyone = await tx.sql.selectFrom('users').select('id').limit(1).executeTakeFirst()
  if (anyone !== undefined) throw new TokenManagerError('ALREADY_BOOTSTRAPPED', 'there are users already')
}

/** Names what stood in the way of an insert that did nothing. */
async function duplicateOf(tx: WriteTx, user: UserToStore, id: string): Promise<TokenManagerError> {
  const live = tx.sql.selectFrom('users').select('id').where('deleted_at', 'is', null)
  const sameName = await live.where('username_key', '=', user.usernameKey).executeTakeFirst()
  if (sameName !== undefined) {
    const details = { existing_id: sameName.id }
    return new TokenManagerError('DUPLICATE_USERNAME', 'this user name is taken', { details })
  }
  const sameEmail = await live.where('email', '=', user.email).executeTakeFirst()
  if (sameEmail !== undefined) {
    const details = { existing_id: sameEmail.id }
    return new TokenManagerError('DUPLICATE_EMAIL', 'this e-mail is taken', { details })
  }
  const details = { fields: { id: 'is the id of another user' } }
  return new TokenManagerError('VALIDATION_ERROR', `the id ${JSON.stringify(id)} is taken`, { details })
}

function auditedUser(row: UserRow): Record<string, string | null> {
  return { username: row.username, email: row.email, name: row.name, role: row.role }
}
