import { TokenManagerError } from '../errors.ts'
import type { UserRow } from './user.ts'

/** Why a change of an account is refused. */
const TEXTS = {
  USER_NOT_FOUND: 'there is no such user',
  SELF_MODIFICATION_FORBIDDEN: 'nobody may suspend, delete or re-role the own account',
  USER_ALREADY_SUSPENDED: 'the user is suspended already',
  USER_ALREADY_ACTIVE: 'the user is active already',
  LAST_ADMIN: 'this would leave no active admin',
} as const

export type AccountRefusal = keyof typeof TEXTS

/** The error of a refusal. */
export function accountError(code: AccountRefusal): TokenManagerError {
  return new TokenManagerError(code, TEXTS[code])
}

/** The row a guarded write has changed: nothing is changed when the user has gone. @throws {TokenManagerError} USER_NOT_FOUND */
export function written(row: UserRow | undefined): UserRow {
  if (row === undefined) throw accountError('USER_NOT_FOUND')
  return row
}
