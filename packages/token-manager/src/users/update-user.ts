import { DatabaseError, type WriteTx } from '@iron/database'
import { actorIdOf } from '@iron/journal'
import { usernameKey } from './account-keys.ts'
import { lockUser } from './account-locks.ts'
import type { Acting } from './acting.ts'
import { duplicateUser } from './duplicate-user.ts'
import { written } from './refusals.ts'
import { toUser, USER_COLUMNS, type User, type UserRow } from './user.ts'
import type { UserChange } from './user-change.ts'

type Field = keyof UserChange
const FIELDS: readonly Field[] = ['username', 'email', 'name']

/** Changes what a checked change names. What is equal already is not changed, and a change of nothing leaves no entry. */
export async function updateUser(tx: WriteTx, id: string, change: UserChange, acting: Acting): Promise<User> {
  const before = await lockUser(tx, id)
  const fields = FIELDS.filter((field) => change[field] !== undefined && change[field] !== before[field])
  if (fields.length === 0) return toUser(before)
  const row = written(await store(tx, before, change, acting.nowMs))
  const { actor, audit } = acting
  // Everybody may call oneself what one likes; that is a different record from what is done to an account.
  const isProfile = actorIdOf(actor) === id && fields.every((field) => field === 'name')
  audit.defer(
    {
      operation: isProfile ? 'PROFILE_UPDATED' : 'USER_UPDATED',
      resourceType: 'user',
      resourceId: id,
      actor,
      changes: { before: only(fields, before), after: only(fields, row) },
    },
    { tx },
  )
  return toUser(row)
}

async function store(tx: WriteTx, before: UserRow, change: UserChange, at: number): Promise<UserRow | undefined> {
  const username = change.username ?? before.username
  const email = change.email ?? before.email
  const name = change.name === undefined ? before.name : change.name
  const values = { username, username_key: usernameKey(username), email, name, updated_at: at }
  try {
    return await tx.savepoint((inner) =>
      inner.sql
        .updateTable('users')
        .set(values)
        .where('users.id', '=', before.id)
        .where('users.deleted_at', 'is', null)
        .returning(USER_COLUMNS)
        .executeTakeFirst(),
    )
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== 'DATABASE_CONSTRAINT') throw error
    throw (await duplicateUser(tx, { id: before.id, usernameKey: values.username_key, email })) ?? error
  }
}

function only(fields: readonly Field[], row: UserRow): Record<string, string | null> {
  return Object.fromEntries(fields.map((field) => [field, row[field]]))
}
