/** Whether an account may be suspended, deleted or given another role. Pure; the order of the tests is that of the answers. */
import type { Role } from '@iron/rbac'
import type { AccountRefusal } from './refusals.ts'
import type { UserRow } from './user.ts'

/** What is known when it is decided, all of it read under the lock of the admins. */
export interface ChangeFacts {
  /** Who acts is who would be changed. */
  readonly isSelf: boolean
  readonly isOnlyActiveAdmin: boolean
}

export function decideSuspension(user: Pick<UserRow, 'suspended_at'>, facts: ChangeFacts): AccountRefusal | 'suspend' {
  if (facts.isSelf) return 'SELF_MODIFICATION_FORBIDDEN'
  if (user.suspended_at !== null) return 'USER_ALREADY_SUSPENDED'
  return facts.isOnlyActiveAdmin ? 'LAST_ADMIN' : 'suspend'
}

export function decideDeletion(facts: ChangeFacts): AccountRefusal | 'delete' {
  if (facts.isSelf) return 'SELF_MODIFICATION_FORBIDDEN'
  return facts.isOnlyActiveAdmin ? 'LAST_ADMIN' : 'delete'
}

export function decideRole(
  user: Pick<UserRow, 'role'>,
  role: Role,
  facts: ChangeFacts,
): AccountRefusal | 'unchanged' | 'change' {
  if (facts.isSelf) return 'SELF_MODIFICATION_FORBIDDEN'
  if (user.role === role) return 'unchanged'
  return facts.isOnlyActiveAdmin ? 'LAST_ADMIN' : 'change'
}
