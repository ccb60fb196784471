import { type Flag, prepare, type ReadTx } from '@iron/database'
import type { Role } from '@iron/rbac'
import { USER_COLUMNS, type UserRow } from './user.ts'

/** One user, deleted ones too. */
export const userById = prepare<{ id: string }, UserRow>((db, p) =>
  db.selectFrom('users').select(USER_COLUMNS).where('users.id', '=', p('id')),
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

/** Whether there is such a user, and that user has not been deleted. */
export async function isLiveUser(tx: ReadTx, id: string): Promise<boolean> {
  const row = await userById.first(tx, { id })
  return row !== undefined && row.deleted_at === null
}
