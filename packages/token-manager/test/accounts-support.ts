import type { IronDatabase, WriteTx } from '@iron/database'
import type { TestDb } from '@iron/database/testing'
import { type AuditEntry, AuditLog } from '@iron/journal'
import { hashPassword, type PasswordHash, type SessionService, type SessionTokens, type User } from '../src/index.ts'
import { ANN, sessionsOn, TEST_COST, usersOn } from './support.ts'

export const PASSWORD = ANN.password as string

/** An admin, who acts, and Ann, who is acted upon. */
export interface Staff {
  readonly admin: User
  readonly ann: User
  readonly users: ReturnType<typeof usersOn>
  readonly sessions: SessionService
}

let hash: Promise<PasswordHash> | undefined

/** The hash of {@link PASSWORD}, made once. */
export function passwordHash(): Promise<PasswordHash> {
  return (hash ??= hashPassword(PASSWORD, { cost: TEST_COST }))
}

export async function staffOf(db: IronDatabase, cacheMs = 0): Promise<Staff> {
  const users = usersOn(db)
  const password = await passwordHash()
  const admin = await users.bootstrapAdmin({ ...ANN, username: 'root', email: 'root@example.com', password })
  const ann = await users.createUser({ ...ANN, password }, admin.id)
  return { admin, ann, users, sessions: sessionsOn(db, { cacheMs }) }
}

export async function loggedIn(
  sessions: SessionService,
  email = ANN.email,
  password = PASSWORD,
): Promise<SessionTokens> {
  const result = await sessions.login(email, password)
  if (result.outcome !== 'ok') throw new Error(`login: ${result.outcome}`)
  return result.tokens
}

export async function failLogins(sessions: SessionService, times: number, email = ANN.email): Promise<void> {
  for (let count = 0; count < times; count += 1) await sessions.login(email, 'a wrong password')
}

/** The entries about a user, oldest first, without the one of its creation. */
export async function entriesAbout(test: TestDb, userId: string): Promise<readonly AuditEntry[]> {
  const page = await new AuditLog(test.db).list({ resourceType: 'user', resourceId: userId }, { order: 'asc' })
  return page.data.filter(({ operation }) => operation !== 'USER_CREATED')
}

/** An API token of a user in the database, as `TokenManager` would have stored it. */
export async function insertApiToken(test: TestDb, id: string, ownerId: string): Promise<void> {
  const sql = "INSERT INTO api_tokens (id, owner_id, name, created_at) VALUES (?, ?, 'key', ?)"
  await test.rows(sql, id, ownerId, test.clock.now())
}

/** Starts a change while a transaction holds a named lock, shared, and lets it go when the change waits; what ended when. */
export async function whileHeld(
  test: TestDb,
  lock: string,
  change: () => Promise<unknown>,
): Promise<readonly string[]> {
  const order: string[] = []
  const held = Promise.withResolvers<string>()
  const started = Promise.withResolvers<string>()
  const holder = test.db.write(async (tx) => {
    await tx.lock(lock, { shared: true })
    held.resolve(lock)
    await started.promise
    // On SQLite the one writer is the lock.
    if (tx.dialect === 'postgres') await somebodyWaits(tx)
    order.push('held')
  })
  await held.promise
  const changed = change().then(() => order.push('changed'))
  started.resolve(lock)
  await Promise.all([holder, changed])
  return order
}

async function somebodyWaits(tx: WriteTx): Promise<void> {
  const sql = `SELECT count(*) AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
  for (let tries = 0; tries < 2_000; tries += 1) {
    const { rows } = await tx.execute<{ waiting: number }>({ sql, parameters: [] })
    if ((rows[0]?.waiting ?? 0) > 0) return
  }
  throw new Error('nobody waits for the lock')
}
