import { DatabaseError, type WriteTx } from '@iron/database'
import { actorIdOf } from '@iron/journal'
import { loginKey } from '../sessions/login-key.ts'
import { attemptsOf, forgetAttempts, storeAttempts } from '../sessions/statements.ts'
import { usernameKey } from './account-keys.ts'
import { lockLogin } from './account-locks.ts'
import type { Acting } from './acting.ts'
import { duplicateUser } from './duplicate-user.ts'
import { written } from './refusals.ts'
import { toUser, USER_COLUMNS, type User, type UserRow } from './user.ts'
import type { UserChange } from './user-change.ts'

type Field = keyof UserChange
const FIELDS: readonly Field[] = ['username', 'email', 'name']

/** Changes what a checked change names. What is equal already is not changed, and a change of nothing leaves no entry. */
export async function updateUser(tx: WriteTx, id: string, change: UserChange, acting: Acting): Promise<User> {
  const { row: before, loginKey: key } = await lockLogin(tx, id, change.email)
  const fields = FIELDS.filter((field) => change[field] !== undefined && change[field] !== before[field])
  if (fields.length === 0) return toUser(before)
  const row = written(await store(tx, before, change, acting.nowMs))
  if (fields.includes('email') && change.email !== undefined) await moveAttempts(tx, key, loginKey(change.email))
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

/** Failed logins, and the lock they led to, belong to the account: another e-mail neither lifts a lock nor brings one. */
async function moveAttempts(tx: WriteTx, from: string | null, to: string): Promise<void> {
  if (from === to) return
  await forgetAttempts.run(tx, { key: to })
  const attempts = from === null ? undefined : await attemptsOf.first(tx, { key: from })
  if (from === null || attempts === undefined) return
  await forgetAttempts.run(tx, { key: from })
  const { failures, last_failed_at: at, locked_until: lockedUntil } = attempts
  await storeAttempts.run(tx, { key: to, failures, at, lockedUntil })
}

function only(fields: readonly Field[], row: UserRow): Record<string, string | null> {
  return Object.fromEntries(fields.map((field) => [field, row[field]]))
}
