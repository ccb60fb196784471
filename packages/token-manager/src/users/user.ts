import type { EpochMs, Flag } from '@iron/database'
import type { Role } from '@iron/rbac'

/** A person who may log in, or an owner that was provisioned and cannot. Deleted users are kept and stay readable. */
export interface User {
  readonly id: string
  readonly username: string
  /** Trimmed and lower-cased; null for a provisioned owner. */
  readonly email: string | null
  readonly name: string | null
  readonly role: Role
  readonly status: 'active' | 'suspended' | 'deleted'
  /** The next session may only change the password. */
  readonly forcePasswordChange: boolean
  /** Epoch ms, like all times. */
  readonly createdAt: number
  readonly lastLoginAt: number | null
  readonly suspendedAt: number | null
  readonly deletedAt: number | null
}

/** The columns a {@link User} is made of: never the password hash. */
export const USER_COLUMNS = [
  'users.id',
  'users.username',
  'users.email',
  'users.name',
  'users.role',
  'users.force_password_change',
  'users.created_at',
  'users.last_login_at',
  'users.suspended_at',
  'users.deleted_at',
] as const

/** A row of {@link USER_COLUMNS}. */
export interface UserRow {
  readonly id: string
  readonly username: string
  readonly email: string | null
  readonly name: string | null
  readonly role: Role
  readonly force_password_change: Flag
  readonly created_at: EpochMs
  readonly last_login_at: EpochMs | null
  readonly suspended_at: EpochMs | null
  readonly deleted_at: EpochMs | null
}

/** The state is derived, never stored: deleted wins over suspended (data-model 3.1). */
export function statusOf(row: Pick<UserRow, 'suspended_at' | 'deleted_at'>): User['status'] {
  if (row.deleted_at !== null) return 'deleted'
  return row.suspended_at === null ? 'active' : 'suspended'
}

export function toUser(row: UserRow): User {
  return Object.freeze({
    id: row.id,
    username: row.username,
    email: row.email,
    name: row.name,
    role: row.role,
    status: statusOf(row),
    forcePasswordChange: row.force_password_change === 1,
    createdAt: row.created_at,
    lastLoginAt: row.last_login_at,
    suspendedAt: row.suspended_at,
    deletedAt: row.deleted_at,
  })
}

/** What an audit entry tells of a user. */
export function auditedUser(row: UserRow): Record<string, string | null> {
  return { username: row.username, email: row.email, name: row.name, role: row.role }
}
