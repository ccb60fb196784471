import { type EpochMs, type Flag, prepare, type ReadTx } from '@iron/database'
import type { Role } from '@iron/rbac'
import { USER_COLUMNS, type UserRow } from './user.ts'

/** One user, deleted ones too. */
export const userById = prepare<{ id: string }, UserRow>(
  (db, p) => db.selectFrom('users').select(USER_COLUMNS).where('users.id', '=', p('id')),
  { together: { id: 'text' } },
)

/** A user who has not been deleted, held against other changes; one writer at a time makes it free on SQLite. */
export const lockedUser = prepare<{ id: string }, UserRow>((db, p, dialect) => {
  const query = db
    .selectFrom('users')
    .select(USER_COLUMNS)
    .where('users.id', '=', p('id'))
    .where('users.deleted_at', 'is', null)
  return dialect === 'postgres' ? query.forUpdate() : query
})

/** The live user with an e-mail in its stored form. */
export const userByEmail = prepare<{ email: string }, UserRow>((db, p) =>
  db
    .selectFrom('users')
    .select(USER_COLUMNS)
    .where('users.email', '=', p('email'))
    .where('users.deleted_at', 'is', null),
)

/** What is inserted for a user. */
export interface UserToInsert {
  readonly id: string
  readonly username: string
  readonly usernameKey: string
  readonly email: string | null
  readonly name: string | null
  readonly role: Role
  readonly passwordHash: string | null
  readonly forcePasswordChange: Flag
  readonly at: number
}

/** Inserts a user unless its id, user name or e-mail is taken; the row, or `undefined`. */
export const insertUser = prepare<UserToInsert, UserRow>((db, p) =>
  db
    .insertInto('users')
    .values({
      id: p('id'),
      username: p('username'),
      username_key: p('usernameKey'),
      email: p('email'),
      name: p('name'),
      role: p('role'),
      password_hash: p('passwordHash'),
      force_password_change: p('forcePasswordChange'),
      created_at: p('at'),
      updated_at: p('at'),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning(USER_COLUMNS),
)

/** Suspends an active user. */
export const setSuspended = prepare<{ id: string; at: EpochMs; by: string; reason: string | null }, UserRow>((db, p) =>
  db
    .updateTable('users')
    .set({ suspended_at: p('at'), suspended_by: p('by'), suspended_reason: p('reason'), updated_at: p('at') })
    .where('users.id', '=', p('id'))
    .where('users.suspended_at', 'is', null)
    .where('users.deleted_at', 'is', null)
    .returning(USER_COLUMNS),
)

/** Ends the suspension of a user. */
export const setActive = prepare<{ id: string; at: EpochMs }, UserRow>((db, p) =>
  db
    .updateTable('users')
    .set({ suspended_at: null, suspended_by: null, suspended_reason: null, updated_at: p('at') })
    .where('users.id', '=', p('id'))
    .where('users.suspended_at', 'is not', null)
    .where('users.deleted_at', 'is', null)
    .returning(USER_COLUMNS),
)

export const setRole = prepare<{ id: string; at: EpochMs; role: Role }, UserRow>((db, p) =>
  db
    .updateTable('users')
    .set({ role: p('role'), updated_at: p('at') })
    .where('users.id', '=', p('id'))
    .where('users.deleted_at', 'is', null)
    .returning(USER_COLUMNS),
)

/** Deletes a user; a suspension stays as it was. */
export const setDeleted = prepare<{ id: string; at: EpochMs; by: string }, UserRow>((db, p) =>
  db
    .updateTable('users')
    .set({ deleted_at: p('at'), deleted_by: p('by'), updated_at: p('at') })
    .where('users.id', '=', p('id'))
    .where('users.deleted_at', 'is', null)
    .returning(USER_COLUMNS),
)

export const setPassword = prepare<{ id: string; at: EpochMs; passwordHash: string; force: Flag }, UserRow>((db, p) =>
  db
    .updateTable('users')
    .set({ password_hash: p('passwordHash'), force_password_change: p('force'), updated_at: p('at') })
    .where('users.id', '=', p('id'))
    .where('users.deleted_at', 'is', null)
    .returning(USER_COLUMNS),
)

/** What a user's password is compared with. */
export const passwordById = prepare<{ id: string }, { email: string | null; password_hash: string | null }>((db, p) =>
  db.selectFrom('users').select(['email', 'password_hash']).where('id', '=', p('id')).where('deleted_at', 'is', null),
)

/** Whether there is such a user, and that user has not been deleted. */
export async function isLiveUser(tx: ReadTx, id: string): Promise<boolean> {
  const row = await userById.first(tx, { id })
  return row !== undefined && row.deleted_at === null
}
