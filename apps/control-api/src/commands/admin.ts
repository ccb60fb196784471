/**
 * What an operator does who cannot log in any more: these commands work on the database itself, beside a running server or
 * without one.
 */
import { randomBytes } from 'node:crypto'
import { text as readAll } from 'node:stream/consumers'
import type { Actor } from '@iron/journal'
import type { User, UserService } from '@iron/token-manager'
import { openInstallation } from './installation.ts'

/** Random bytes of a generated password: 24 characters. */
const PASSWORD_BYTES = 18
/** Who the audit log says did it. */
const OPERATOR: Actor = { type: 'system', id: 'system:operator' }

/** Where a password comes from: stdin, or it is made up and shown this once. */
export interface PasswordOptions {
  readonly passwordStdin?: boolean | undefined
}

/** `iron admin create`: a new admin, whoever else there is. */
export async function createAdmin(
  email: string,
  options: PasswordOptions & { readonly username?: string | undefined; readonly name?: string | undefined },
): Promise<void> {
  const { password, isGenerated } = await readPassword(options)
  await withUsers(async (users) => {
    const { username = email.split('@', 1)[0] ?? email, name } = options
    const user = await users.createUser(
      { username, email, password, name, role: 'admin', forcePasswordChange: isGenerated },
      OPERATOR,
    )
    process.stdout.write(`created the admin ${user.email ?? ''} (${user.id})\n`)
    showPassword(password, isGenerated)
  })
}

/** `iron admin reset-password`: a new password, to be changed at the next login; sessions end, the lock is lifted. */
export async function resetPassword(email: string, options: PasswordOptions): Promise<void> {
  const { password, isGenerated } = await readPassword(options)
  await withUsers(async (users) => {
    const user = await users.resetPassword((await found(users, email)).id, password, OPERATOR)
    process.stdout.write(`the password of ${email} is reset; it must be changed at the next login\n`)
    if (user.status === 'suspended') process.stdout.write('the account is suspended: an admin must activate it\n')
    showPassword(password, isGenerated)
  })
}

/** `iron admin unlock`: lifts the lock of too many failed logins. */
export async function unlock(email: string): Promise<void> {
  await withUsers(async (users) => {
    await users.unlockUser((await found(users, email)).id, OPERATOR)
    process.stdout.write(`${email} is not locked\n`)
  })
}

async function withUsers(work: (users: UserService) => Promise<void>): Promise<void> {
  await using state = await openInstallation()
  const { users } = await state.services()
  await work(users)
}

async function found(users: UserService, email: string): Promise<User> {
  const user = await users.getUserByEmail(email)
  if (user === undefined) throw new Error(`there is no user with the e-mail ${email}`)
  return user
}

/** Never from the command line: others on the machine could read it there. */
async function readPassword({ passwordStdin }: PasswordOptions): Promise<{ password: string; isGenerated: boolean }> {
  if (passwordStdin !== true) return { password: randomBytes(PASSWORD_BYTES).toString('base64url'), isGenerated: true }
  return { password: (await readAll(process.stdin)).replace(/\r?\n$/, ''), isGenerated: false }
}

function showPassword(password: string, isGenerated: boolean): void {
  if (isGenerated) process.stderr.write(`the password is ${password}\nIt is shown this once.\n`)
}
