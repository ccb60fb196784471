import { Faults } from '@iron/database'
import { parseRole, type Role } from '@iron/rbac'
import { refuseFaults } from '../errors.ts'
import { checkPassword, isPasswordHash, type PasswordHash } from '../passwords/hash-password.ts'
import { checkEmail, checkUsername, emailKey, usernameKey } from './account-keys.ts'
import { checkName, storedName, storedUsername } from './names.ts'

/** A user to be created. */
export interface NewUser {
  /** 1..255 code points, no white space or `@`; unique whatever its case or Unicode form. */
  readonly username: string
  /** 3..255 code points, one `@`; compared without case and surrounding space. */
  readonly email: string
  /** 8..1000 code points, or the result of `hashPassword` (required inside a transaction). */
  readonly password: string | PasswordHash
  /** Default `user`. */
  readonly role?: Role | undefined
  /** Display name, 1..255 code points. */
  readonly name?: string | undefined
  /** Default: a new `user_` id. */
  readonly id?: string | undefined
  /** Default false: whether the first thing the user may do is to choose a password. */
  readonly forcePasswordChange?: boolean | undefined
}

/** What of a new user is stored, besides id, password and times. */
export interface CheckedUser {
  readonly username: string
  readonly usernameKey: string
  readonly email: string
  readonly name: string | null
  readonly role: Role
  readonly forcePasswordChange: boolean
}

/**
 * Checks a new user and brings its texts into the form in which they are stored.
 *
 * @throws {TokenManagerError} VALIDATION_ERROR
 */
export function checkNewUser(user: NewUser): CheckedUser {
  const faults = new Faults()
  checkUsername(faults, 'username', user.username)
  checkEmail(faults, 'email', user.email)
  if (!isPasswordHash(user.password)) checkPassword(faults, 'password', user.password)
  const role = user.role === undefined ? 'user' : parseRole(user.role)
  if (role === undefined) faults.add('role', 'must be one of admin, user, viewer')
  if (user.name !== undefined) checkName(faults, 'name', user.name)
  if (user.id !== undefined) faults.id('id', user.id)
  refuseFaults(faults)
  return {
    username: storedUsername(user.username),
    usernameKey: usernameKey(user.username),
    email: emailKey(user.email),
    name: user.name === undefined ? null : storedName(user.name),
    role: role as Role,
    forcePasswordChange: user.forcePasswordChange === true,
  }
}
