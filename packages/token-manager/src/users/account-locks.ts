/**
 * The locks under which accounts change, in the order in which they are taken: owner, admins, login (`loginLock`), then the
 * row itself. Whatever decides is read after its lock, because PostgreSQL shows each statement what is committed then.
 */
import type { WriteTx } from '@iron/database'
import { loginKey, loginLock } from '../sessions/login-key.ts'
import { accountError } from './refusals.ts'
import { lockedUser, userById } from './statements.ts'
import type { UserRow } from './user.ts'

/** Held by whatever may take an active admin away, so that two admins cannot remove each other (CON-19). */
export const ADMINS_LOCK = 'users:admins'

/** Held shared by whatever an owner's state allows: grants, new agents, new tokens (budget protocol 12.1). */
export function ownerLock(ownerId: string): string {
  return `owner:${ownerId}`
}

/** The row of a user who has not been deleted, held until the transaction ends. @throws {TokenManagerError} USER_NOT_FOUND */
export async function lockUser(tx: WriteTx, id: string): Promise<UserRow> {
  const row = await lockedUser.first(tx, { id })
  if (row === undefined) throw accountError('USER_NOT_FOUND')
  return row
}

/**
 * As {@link lockUser}, and nobody's failed login is counted meanwhile, for `nextEmail` neither. `loginKey` is null without an
 * e-mail.
 */
export async function lockLogin(
  tx: WriteTx,
  id: string,
  nextEmail?: string,
): Promise<{ readonly row: UserRow; readonly loginKey: string | null }> {
  for (;;) {
    const email = (await userById.first(tx, { id }))?.email ?? null
    const key = email === null ? null : loginKey(email)
    const keys = [key, nextEmail === undefined ? null : loginKey(nextEmail)].filter((each) => each !== null)
    // In one order, so that two changes that exchange e-mails do not wait for each other.
    for (const each of [...new Set(keys)].sort()) await tx.lock(loginLock(each))
    const row = await lockUser(tx, id)
    // The e-mail may have changed before the row was held, not since: the second time it is the same.
    if (row.email === email) return { row, loginKey: key }
  }
}
