import type { WriteTx } from '@iron/database'
import { accountsChanged } from '../account-memory.ts'
import { forgetAttempts } from '../sessions/statements.ts'
import { lockLogin } from './account-locks.ts'
import type { Acting } from './acting.ts'
import { accountError, written } from './refusals.ts'
import { setActive } from './statements.ts'
import { toUser, type User } from './user.ts'

/** Ends a suspension and whatever locked the login. Sessions that it ended stay ended (AUT-08). */
export async function activateUser(tx: WriteTx, id: string, acting: Acting): Promise<User> {
  const { row: before, loginKey } = await lockLogin(tx, id)
  if (before.suspended_at === null) throw accountError('USER_ALREADY_ACTIVE')
  const { actor, audit, nowMs: at } = acting
  const row = written(await setActive.first(tx, { id, at }))
  if (loginKey !== null) await forgetAttempts.run(tx, { key: loginKey })
  const changes = { before: { status: 'suspended' }, after: { status: 'active' } }
  audit.defer({ operation: 'USER_ACTIVATED', resourceType: 'user', resourceId: id, actor, changes }, { tx })
  accountsChanged(tx)
  return toUser(row)
}
