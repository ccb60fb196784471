import type { WriteTx } from '@iron/database'
import type { Role } from '@iron/rbac'
import { accountsChanged } from '../account-memory.ts'
import type { Acting } from './acting.ts'
import { decideRole } from './decide-change.ts'
import { lockForDecision } from './lock-for-decision.ts'
import { accountError, written } from './refusals.ts'
import { setRole } from './statements.ts'
import { toUser, type User } from './user.ts'

/** Gives a user another role, in force with the next request of every credential. The same role changes nothing. */
export async function changeUserRole(tx: WriteTx, id: string, role: Role, acting: Acting): Promise<User> {
  const { user: before, facts } = await lockForDecision(tx, id, acting)
  const decision = decideRole(before, role, facts)
  if (decision === 'unchanged') return toUser(before)
  if (decision !== 'change') throw accountError(decision)
  const { actor, audit, nowMs: at } = acting
  const row = written(await setRole.first(tx, { id, at, role }))
  const changes = { before: { role: before.role }, after: { role } }
  audit.defer({ operation: 'USER_ROLE_CHANGED', resourceType: 'user', resourceId: id, actor, changes }, { tx })
  accountsChanged(tx)
  return toUser(row)
}
