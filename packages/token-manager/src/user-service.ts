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
  type JsonObject,
  type Page,
  type Paged,
  type ServiceOptions,
  type WriteTx,
} from '@iron/database'
import { type ActorRef, actorIdOf, type AuditEntry } from '@iron/journal'
import { parseRole, type Role } from '@iron/rbac'
import { AuditedService } from './audited-service.ts'
import { refuseFaults, TokenManagerError } from './errors.ts'
import {
  BCRYPT_COST,
  checkCost,
  checkPassword,
  hashPassword,
  isPasswordHash,
  isSamePassword,
  type PasswordHash,
  storedHash,
  verifyPassword,
} from './passwords/hash-password.ts'
import { lockedUntil } from './sessions/login-attempts.ts'
import { loginKey, loginLock } from './sessions/login-key.ts'
import type { ClientContext } from './sessions/session.ts'
import { attemptsOf, forgetAttempts } from './sessions/statements.ts'
import { emailKey } from './users/account-keys.ts'
import type { Acting } from './users/acting.ts'
import { activateUser } from './users/activate-user.ts'
import {
  changeOwnPassword,
  checkPasswordChange,
  type PasswordChange,
  passwordToCompare,
} from './users/change-own-password.ts'
import { changeUserRole } from './users/change-user-role.ts'
import { type DeletedUser, deleteUser } from './users/delete-user.ts'
import { duplicateUser } from './users/duplicate-user.ts'
import { checkUserFilter, listUsers, type UserFilter } from './users/list-users.ts'
import { type CheckedUser, checkNewUser, type NewUser } from './users/new-user.ts'
import { isOnlyActiveAdmin } from './users/only-active-admin.ts'
import { requireOwner } from './users/provision-owner.ts'
import { checkReason } from './users/reason.ts'
import { resetPassword } from './users/reset-password.ts'
import { insertUser, userByEmail, userById } from './users/statements.ts'
import { suspendUser } from './users/suspend-user.ts'
import { unlockUser } from './users/unlock-user.ts'
import { updateUser } from './users/update-user.ts'
import { auditedUser, toUser, type User } from './users/user.ts'
import { checkUserChange, type UserChange } from './users/user-change.ts'

/** Options of {@link UserService}. */
export interface UserServiceOptions extends ServiceOptions {
  /** Base-two logarithm of bcrypt's rounds. Default 12. */
  readonly bcryptCost?: number | undefined
}

/** Who creates the first admin: nobody is there yet. */
const BOOTSTRAP: ActorRef = Object.freeze({ type: 'system', id: 'system:bootstrap' })

/** User accounts: created, changed, suspended, deleted, found, and what was done to them. */
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

  /**
   * Changes user name, e-mail or display name. Audited as `USER_UPDATED` with the fields that changed, or `PROFILE_UPDATED`
   * when users change only their own name; not at all when everything is so already.
   *
   * @throws {TokenManagerError} VALIDATION_ERROR (on `$` when nothing is given); USER_NOT_FOUND; DUPLICATE_USERNAME,
   * DUPLICATE_EMAIL (`details.existing_id`)
   */
  async updateUser(id: string, change: UserChange, actor: ActorRef, options: InTx = {}): Promise<User> {
    const checked = checkUserChange(change)
    return this.#change(actor, options, (tx, acting) => updateUser(tx, id, checked, acting))
  }

  /**
   * Gives a user another role, in force with the next request. The role a user has already changes nothing. Audited as
   * `USER_ROLE_CHANGED`.
   *
   * @throws {TokenManagerError} VALIDATION_ERROR; USER_NOT_FOUND; SELF_MODIFICATION_FORBIDDEN; LAST_ADMIN
   */
  async changeUserRole(id: string, role: Role, actor: ActorRef, options: InTx = {}): Promise<User> {
    const known = parseRole(role)
    const faults = new Faults()
    faults.check(known !== undefined, 'role', 'must be one of admin, user, viewer')
    refuseFaults(faults)
    return this.#change(actor, options, (tx, acting) => changeUserRole(tx, id, known as Role, acting))
  }

  /**
   * Suspends a user: the sessions end, logins and API tokens are refused until the user is activated. Where agents exist, the
   * registry's `OwnerLifecycle` does it. Audited as `USER_SUSPENDED`.
   *
   * @param reason 1..1000 code points
   * @throws {TokenManagerError} VALIDATION_ERROR; USER_NOT_FOUND; SELF_MODIFICATION_FORBIDDEN; USER_ALREADY_SUSPENDED;
   * LAST_ADMIN
   */
  async suspendUser(id: string, actor: ActorRef, reason?: string, options: InTx = {}): Promise<User> {
    const checked = checkReason(reason)
    return this.#change(actor, options, (tx, acting) => suspendUser(tx, id, checked, acting))
  }

  /**
   * Ends a suspension, and a lock of the login with it. Sessions that were ended stay ended. Audited as `USER_ACTIVATED`.
   *
   * @throws {TokenManagerError} USER_NOT_FOUND; USER_ALREADY_ACTIVE
   */
  activateUser(id: string, actor: ActorRef, options: InTx = {}): Promise<User> {
    return this.#change(actor, options, (tx, acting) => activateUser(tx, id, acting))
  }

  /**
   * Forgets the failed logins of a user, whether they had locked the login or not. Audited as `USER_UNLOCKED` if they had.
   *
   * @throws {TokenManagerError} USER_NOT_FOUND
   */
  unlockUser(id: string, actor: ActorRef, options: InTx = {}): Promise<User> {
    return this.#change(actor, options, (tx, acting) => unlockUser(tx, id, acting))
  }

  /**
   * Deletes a user for good: the sessions end, the API tokens are revoked, user name and e-mail become free. The row stays,
   * for the history. Where agents exist, the registry's `OwnerLifecycle` does it. Audited as one `USER_DELETED`.
   *
   * @param options.reason 1..1000 code points
   * @param options.metadata what else was done in the same transaction, for the same entry
   * @throws {TokenManagerError} VALIDATION_ERROR; USER_NOT_FOUND; SELF_MODIFICATION_FORBIDDEN; LAST_ADMIN
   */
  async deleteUser(
    id: string,
    actor: ActorRef,
    options: InTx & { readonly reason?: string | undefined; readonly metadata?: JsonObject | undefined } = {},
  ): Promise<DeletedUser> {
    const about = { reason: checkReason(options.reason), metadata: options.metadata }
    return this.#change(actor, options, (tx, acting) => deleteUser(tx, id, about, acting))
  }

  /**
   * Gives a user another password: all sessions end and the login is unlocked. Audited as `USER_PASSWORD_RESET`.
   *
   * @param options.forceChange default true: the first thing the user may do is to choose another one
   * @param options.revokeApiTokens default false
   * @throws {TokenManagerError} VALIDATION_ERROR on `newPassword`; USER_NOT_FOUND; PASSWORD_NOT_HASHED for a plain password
   * inside a transaction; HASHING_BUSY
   */
  async resetPassword(
    id: string,
    password: string | PasswordHash,
    actor: ActorRef,
    options: InTx & {
      readonly forceChange?: boolean | undefined
      readonly revokeApiTokens?: boolean | undefined
    } = {},
  ): Promise<User> {
    const { tx, forceChange = true, revokeApiTokens = false } = options
    const faults = new Faults()
    if (!isPasswordHash(password)) checkPassword(faults, 'newPassword', password)
    refuseFaults(faults)
    const passwordHash = await storedHash(password, this.#cost, tx !== undefined)
    const reset = { passwordHash, forceChange, revokeApiTokens }
    return this.#change(actor, options, (inner, acting) => resetPassword(inner, id, reset, acting))
  }

  /**
   * Changes the own password. A wrong current one counts towards the same lock as failed logins, and is recorded like them
   * (`LOGIN_FAILED`); while the login is locked no password is looked at. With the change all other sessions end and a forced
   * change is done. Audited as `PASSWORD_CHANGED`.
   *
   * @param options.keepSessionId the session that goes on
   * @param options.context where the call came from, for the record
   * @returns `unchanged`: the new password is the current one
   * @throws {TokenManagerError} VALIDATION_ERROR on `currentPassword`, `newPassword`; USER_NOT_FOUND; HASHING_BUSY
   */
  async changeOwnPassword(
    id: string,
    current: string,
    next: string,
    options: { readonly keepSessionId?: string | undefined; readonly context?: ClientContext | undefined } = {},
  ): Promise<PasswordChange> {
    checkPasswordChange(current, next)
    const { keepSessionId, context = {} } = options
    const before = await this.read((tx) => passwordToCompare(tx, id, this.clock.now()), { lookup: true })
    if (before.isLocked) return 'locked'
    const comparedWith = before.passwordHash
    const matches = await verifyPassword(current, comparedWith, this.#cost)
    const changes = matches && !isSamePassword(current, next)
    const nextHash = changes ? await storedHash(next, this.#cost, false) : undefined
    return this.write((tx, db) => {
      const seen = { nowMs: this.clock.now(), audit: this.auditOf(db) }
      return changeOwnPassword(tx, id, { ...seen, comparedWith, matches, nextHash, keepSessionId, context })
    })
  }

  /**
   * Hashes a password with this service's cost, in a worker thread: what `createUser` and `resetPassword` take inside a
   * transaction.
   *
   * @throws {TokenManagerError} VALIDATION_ERROR; HASHING_BUSY (retryable)
   */
  hashPassword(password: string): Promise<PasswordHash> {
    return hashPassword(password, { cost: this.#cost })
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

  /** The user who logs in with an e-mail, however it is written; deleted ones have none. */
  getUserByEmail(email: string, options: AtTx = {}): Promise<User | undefined> {
    return this.read(
      async (tx) => {
        const row = await userByEmail.first(tx, { email: emailKey(email) })
        return row === undefined ? undefined : toUser(row)
      },
      { tx: options.tx, lookup: true },
    )
  }

  /** Until when too many failed logins lock a user out, epoch ms; null: they do not. */
  lockedUntil(id: string, options: AtTx = {}): Promise<number | null> {
    return this.read(
      async (tx) => {
        const email = (await userById.first(tx, { id }))?.email ?? null
        if (email === null) return null
        return lockedUntil(await attemptsOf.first(tx, { key: loginKey(email) }), this.clock.now())
      },
      { tx: options.tx, lookup: true },
    )
  }

  /** One page of users. Sorts: `createdAt` (default, newest first), `username`, `email`, `lastLoginAt`. */
  async listUsers(filter: UserFilter = {}, options: Page & AtTx = {}): Promise<Paged<User>> {
    const checked = checkUserFilter(filter)
    return this.read((tx) => listUsers(tx, checked, options), options)
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
    return this.read((tx) => isOnlyActiveAdmin(tx, id), options)
  }

  /** Runs a change. In the caller's transaction it has a savepoint, so that a refused change has changed nothing there. */
  async #change<T>(actor: ActorRef, options: InTx, work: (tx: WriteTx, acting: Acting) => Promise<T>): Promise<T> {
    const faults = new Faults()
    faults.id('actor.id', actorIdOf(actor))
    refuseFaults(faults)
    return this.write((tx, db) => {
      const acting = { actor, audit: this.auditOf(db), nowMs: this.clock.now() }
      return options.tx === undefined ? work(tx, acting) : tx.savepoint((inner) => work(inner, acting))
    }, options)
  }

  async #create(user: NewUser, actor: ActorRef, options: InTx = {}): Promise<User> {
    const checked = checkNewUser(user)
    const passwordHash = await storedHash(user.password, this.#cost, options.tx !== undefined)
    return this.write((tx, db) => this.#insert(tx, db, { ...checked, id: user.id, passwordHash }, actor), options)
  }

  async #insert(tx: WriteTx, db: IronDatabase, user: UserToStore, actor: ActorRef): Promise<User> {
    const id = user.id ?? this.idsOf(db).next('user')
    // What was tried before there was an account is not held against it.
    const key = loginKey(user.email)
    await tx.lock(loginLock(key))
    const row = await insertUser.first(tx, {
      ...user,
      id,
      forcePasswordChange: user.forcePasswordChange ? 1 : 0,
      at: this.clock.now(),
    })
    if (row === undefined) throw (await duplicateUser(tx, { ...user, id })) ?? idTaken(id)
    await forgetAttempts.run(tx, { key })
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

function idTaken(id: string): TokenManagerError {
  const details = { fields: { id: 'is the id of another user' } }
  return new TokenManagerError('VALIDATION_ERROR', `the id ${JSON.stringify(id)} is taken`, { details })
}
