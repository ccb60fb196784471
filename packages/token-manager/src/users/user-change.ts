import { Faults } from '@iron/database'
import { refuseFaults } from '../errors.ts'
import { checkEmail, checkUsername, emailKey } from './account-keys.ts'
import { checkName, storedName, storedUsername } from './names.ts'

/** What of a user is to change; what is absent stays as it is. */
export interface UserChange {
  /** 1..255 code points, no white space or `@`. */
  readonly username?: string | undefined
  /** 3..255 code points, one `@`. */
  readonly email?: string | undefined
  /** Display name, 1..255 code points; null clears it. */
  readonly name?: string | null | undefined
}

/** Checks a change and brings it into its stored form. @throws {TokenManagerError} VALIDATION_ERROR */
export function checkUserChange(change: UserChange): UserChange {
  const { username, email, name } = change
  const faults = new Faults()
  if (username !== undefined) checkUsername(faults, 'username', username)
  if (email !== undefined) checkEmail(faults, 'email', email)
  if (name !== undefined && name !== null) checkName(faults, 'name', name)
  faults.check(
    [username, email, name].some((field) => field !== undefined),
    '$',
    'must change something',
  )
  refuseFaults(faults)
  return {
    ...(username !== undefined && { username: storedUsername(username) }),
    ...(email !== undefined && { email: emailKey(email) }),
    ...(name !== undefined && { name: name === null ? null : storedName(name) }),
  }
}
