import { type EpochMs, prepare } from '@iron/database'
import { USER_COLUMNS, type UserRow } from '../users/user.ts'
import type { LoginAttempts } from './login-attempts.ts'
import type { SessionState } from './session.ts'

/** The one read of every request with an access token. */
export const sessionState = prepare<{ id: string }, SessionState>((db, p) =>
  db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select([
      'sessions.user_id',
      'sessions.refresh_hash',
      'sessions.expires_at',
      'sessions.revoked_at',
      'users.role',
      'users.force_password_change',
      'users.suspended_at',
      'users.deleted_at',
    ])
    .where('sessions.id', '=', p('id')),
)

/** Whoever may log in with an e-mail, and what the password is compared with. */
export const accountByEmail = prepare<
  { email: string },
  { id: string; password_hash: string | null; suspended_at: EpochMs | null }
>((db, p) =>
  db
    .selectFrom('users')
    .select(['id', 'password_hash', 'suspended_at'])
    .where('email', '=', p('email'))
    .where('deleted_at', 'is', null),
)

/** A password of the highest cost among those that may be tried. The cost stands in the hash: `$2b$12$…`. */
export const dearestHash = prepare<Record<string, never>, { password_hash: string | null }>((db) =>
  db
    .selectFrom('users')
    .select('password_hash')
    .where('deleted_at', 'is', null)
    .where('password_hash', 'is not', null)
    .orderBy((eb) => eb.fn('substr', ['password_hash', eb.lit(5), eb.lit(2)]), 'desc')
    .limit(1),
)

/** Stamps a login, if the account still is what the password was checked against. */
export const stampLogin = prepare<{ id: string; passwordHash: string; at: EpochMs }, UserRow>((db, p) =>
  db
    .updateTable('users')
    .set({ last_login_at: p('at') })
    .where('users.id', '=', p('id'))
    .where('users.password_hash', '=', p('passwordHash'))
    .where('users.suspended_at', 'is', null)
    .where('users.deleted_at', 'is', null)
    .returning(USER_COLUMNS),
)

/** Whether an account still is what a password was checked against, suspended or not. */
export const accountAsChecked = prepare<{ id: string; passwordHash: string }, { id: string }>((db, p) =>
  db
    .selectFrom('users')
    .select('id')
    .where('id', '=', p('id'))
    .where('password_hash', '=', p('passwordHash'))
    .where('deleted_at', 'is', null),
)

export const insertSession = prepare<{
  id: string
  userId: string
  refreshHash: string
  at: EpochMs
  expiresAt: EpochMs
  ip: string | null
  userAgent: string | null
}>((db, p) =>
  db.insertInto('sessions').values({
    id: p('id'),
    user_id: p('userId'),
    refresh_hash: p('refreshHash'),
    created_at: p('at'),
    refreshed_at: p('at'),
    expires_at: p('expiresAt'),
    ip: p('ip'),
    user_agent: p('userAgent'),
  }),
)

/** Replaces the refresh token if the presented one is still the current one (CON-21: of two, one wins). */
export const rotateRefresh = prepare<{ id: string; from: string; to: string; at: EpochMs; expiresAt: EpochMs }>(
  (db, p) =>
    db
      .updateTable('sessions')
      .set({ refresh_hash: p('to'), refreshed_at: p('at'), expires_at: p('expiresAt') })
      .where('id', '=', p('id'))
      .where('refresh_hash', '=', p('from'))
      .where('revoked_at', 'is', null),
)

/** Ends a session unless it has ended. */
export const revokeSession = prepare<{ id: string; at: EpochMs; reason: 'logout' | 'refresh_reuse' | 'admin' }>(
  (db, p) =>
    db
      .updateTable('sessions')
      .set({ revoked_at: p('at'), revoke_reason: p('reason') })
      .where('id', '=', p('id'))
      .where('revoked_at', 'is', null),
)

export const attemptsOf = prepare<{ key: string }, LoginAttempts>((db, p) =>
  db
    .selectFrom('login_attempts')
    .select(['failures', 'last_failed_at', 'locked_until'])
    .where('account_key', '=', p('key')),
)

export const storeAttempts = prepare<{ key: string; failures: number; at: EpochMs; lockedUntil: EpochMs | null }>(
  (db, p) =>
    db
      .insertInto('login_attempts')
      .values({
        account_key: p('key'),
        failures: p('failures'),
        last_failed_at: p('at'),
        locked_until: p('lockedUntil'),
      })
      .onConflict((conflict) =>
        conflict.column('account_key').doUpdateSet((eb) => ({
          failures: eb.ref('excluded.failures'),
          last_failed_at: eb.ref('excluded.last_failed_at'),
          locked_until: eb.ref('excluded.locked_until'),
        })),
      ),
)

export const forgetAttempts = prepare<{ key: string }>((db, p) =>
  db.deleteFrom('login_attempts').where('account_key', '=', p('key')),
)
