import {
  containsText,
  Faults,
  fewIds,
  keptCount,
  type Page,
  type Paged,
  pageSlice,
  pageWindow,
  type ReadTx,
} from '@iron/database'
import { parseRole, type Role } from '@iron/rbac'
import { refuseFaults } from '../errors.ts'
import { ordered } from '../order-nulls.ts'
import { emailKey, usernameKey } from './account-keys.ts'
import { toUser, USER_COLUMNS, type User } from './user.ts'

/** Which users; every given field must fit. */
export interface UserFilter {
  readonly role?: Role | undefined
  /** Default: active and suspended. */
  readonly status?: User['status'] | undefined
  /** A part of user name, e-mail or display name, whatever its case. 0..255 code points, a blank one finds all; no character is special. */
  readonly search?: string | undefined
}

const STATUSES: readonly User['status'][] = ['active', 'suspended', 'deleted']
/** Longest text that is searched for, in code points: that of what is searched. */
const SEARCH_MAX = 255

/** Nobody's e-mail and a login that never was come before all others. */
const NULLABLE: readonly string[] = ['users.email', 'users.last_login_at']

const SORTS = {
  createdAt: 'users.created_at',
  username: 'users.username_key',
  email: 'users.email',
  lastLoginAt: 'users.last_login_at',
} as const

/** Users of a role up to which they are gathered and sorted, and beyond which a page is found along its order. */
const GATHERED_MAX = 1_000

/** One page of users; filters apply before the page and to the total (DAT-19). */
export async function listUsers(tx: ReadTx, filter: UserFilter, options: Page): Promise<Paged<User>> {
  const window = pageWindow(options, SORTS)
  const { page, perPage, column } = window
  const { search, role } = filter
  let matching = matchingUsers(tx, filter)
  const most = await keptCount(tx, 'users', partsOf(filter))
  if (role !== undefined) {
    // The index of a role is in the order of age: for another, those of a frequent role would all be sorted. Hidden it is not taken.
    const isByRole = column === 'users.created_at' || most <= GATHERED_MAX
    matching = matching.where((eb) =>
      eb(isByRole ? eb.ref('users.role') : eb.fn.coalesce('users.role', eb.val(role)), '=', role),
    )
  }
  let total = most
  if (search !== undefined) {
    const found = role === undefined ? matchingUsers(tx, filter, true) : matching
    const few = await fewIds(found.select('users.id'))
    if (few !== undefined && few.length > 0) matching = tx.sql.selectFrom('users').where('users.id', 'in', few)
    total =
      few?.length ?? (await found.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()).total
  }
  const { limit, offset, direction } = pageSlice(window, total)
  const nulls = NULLABLE.includes(column) ? 'lowest' : 'none'
  const ids = matching
    .select('users.id')
    .orderBy(column, ordered(direction, nulls))
    .orderBy('users.id', direction)
    .limit(limit)
    .offset(offset)
  const rows = await tx.sql
    .selectFrom('users')
    .select(USER_COLUMNS)
    .where('users.id', 'in', ids)
    .orderBy(column, ordered(window.direction, nulls))
    .orderBy('users.id', window.direction)
    .execute()
  return Object.freeze({ data: Object.freeze(rows.map(toUser)), page, perPage, total })
}

/**
 * Users that fit, but for their role.
 *
 * @param isScan whether all users in office are looked at: by an index of them SQLite would fetch one after the other, which takes
 * twice as long as reading the table. Behind a sum none is taken
 */
function matchingUsers(tx: ReadTx, { status, search }: UserFilter, isScan = false) {
  let matching = tx.sql.selectFrom('users')
  if (status === 'deleted') matching = matching.where('users.deleted_at', 'is not', null)
  else if (status === 'suspended' || !isScan) matching = matching.where('users.deleted_at', 'is', null)
  else matching = matching.where((eb) => eb(eb('users.deleted_at', '+', 0), 'is', null))
  if (status === 'active') matching = matching.where('users.suspended_at', 'is', null)
  if (status === 'suspended') matching = matching.where('users.suspended_at', 'is not', null)
  if (search === undefined) return matching
  // User names and e-mails are searched in the form in which they are compared, display names as they are written.
  const name = search.normalize('NFC')
  const position = tx.dialect === 'sqlite' ? 'instr' : 'strpos'
  return matching.where((eb) =>
    eb.or([
      eb(eb.fn<number>(position, ['users.username_key', eb.val(usernameKey(search))]), '>', 0),
      eb(eb.fn<number>(position, ['users.email', eb.val(emailKey(search))]), '>', 0),
      containsText(tx, 'users.name', name),
    ]),
  )
}

/** The parts of the list of users that a filter without a search admits. */
function partsOf({ role, status }: UserFilter): string[] {
  const statuses = status === undefined ? (['active', 'suspended'] as const) : [status]
  const roles = role === undefined ? (['admin', 'user', 'viewer'] as const) : [role]
  return roles.flatMap((one) => statuses.map((other) => `${one} ${other}`))
}

/** A filter that has been checked; its search is trimmed. @throws {TokenManagerError} VALIDATION_ERROR */
export function checkUserFilter(filter: UserFilter): UserFilter {
  const faults = new Faults()
  if (filter.role !== undefined && parseRole(filter.role) === undefined) {
    faults.add('role', 'must be one of admin, user, viewer')
  }
  if (filter.status !== undefined) faults.oneOf('status', filter.status, STATUSES)
  const search = typeof filter.search === 'string' ? filter.search.trim() || undefined : filter.search
  if (search !== undefined) faults.text('search', search, { max: SEARCH_MAX })
  refuseFaults(faults)
  return { ...filter, search }
}
