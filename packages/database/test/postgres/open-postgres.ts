import { enginesForTests } from '@iron/test-kit'
import { describe } from '@jest/globals'
import { createIdSource, type PreparedQuery, systemClock, type WriteTx } from '../../src/index.ts'
import type { PostgresLimits } from '../../src/postgres/limits.ts'
import { PostgresDatabase } from '../../src/postgres/postgres-database.ts'
import { createTestPlace } from '../../src/testing.ts'
import { type Proxy, startProxy } from './proxy.ts'

/** `describe` where PostgreSQL is to be had. */
export const withPostgres = (await enginesForTests()).includes('postgres') ? describe : describe.skip

/** A migrated PostgreSQL database behind a network that can be made to fail. */
export interface FailingPlace extends AsyncDisposable {
  readonly db: PostgresDatabase
  /** The same database on a path that does not fail: what really happened. */
  readonly truth: PostgresDatabase
  readonly proxy: Proxy
  /** What the handle reported where nobody waited. */
  readonly reported: unknown[]
}

export async function openBehindProxy(limits: Partial<PostgresLimits> = {}): Promise<FailingPlace> {
  const place = await createTestPlace('postgres')
  const proxy = await startProxy(place.url)
  const { db, reported } = await open(proxy.through(place.url), limits)
  const { db: truth } = await open(place.url)
  return {
    db,
    truth,
    proxy,
    reported,
    [Symbol.asyncDispose]: async () => {
      await db.close()
      await truth.close()
      await proxy[Symbol.asyncDispose]()
      await place.remove()
    },
  }
}

export async function open(
  url: string,
  limits: Partial<PostgresLimits> = {},
): Promise<{ readonly db: PostgresDatabase; readonly reported: unknown[] }> {
  const reported: unknown[] = []
  const report = (error: unknown): void => void reported.push(error)
  const db = await PostgresDatabase.open({
    url,
    clock: systemClock,
    ids: createIdSource(systemClock),
    report,
    limits,
  })
  return { db, reported }
}

export const query = (sql: string, ...parameters: unknown[]): PreparedQuery => ({ sql, parameters })

/** Leaves a trace that tells whether, and how often, a transaction happened. */
export async function leaveTrace(tx: WriteTx, key: string): Promise<void> {
  await tx.execute(
    query(
      `INSERT INTO meta (key, value) VALUES ($1, '1')
       ON CONFLICT (key) DO UPDATE SET value = (meta.value::int + 1)::text`,
      key,
    ),
  )
}

/** How often transactions left this trace. */
export async function traces(db: PostgresDatabase, key: string): Promise<number> {
  const { rows } = await db.read((tx) =>
    tx.execute<{ value: string }>(query('SELECT value FROM meta WHERE key = $1', key)),
  )
  return Number(rows[0]?.value ?? 0)
}

/** A statement of the database that runs for `seconds`. */
export const sleeping = (seconds: number): PreparedQuery => query('SELECT pg_sleep($1)', String(seconds))

/** Resolves when the database runs a statement with this text for someone else. */
export async function untilRunning(db: PostgresDatabase, text: string): Promise<void> {
  const running = query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND state = 'active' AND query LIKE $1`,
    `%${text}%`,
  )
  for (;;) {
    const { rows } = await db.read((tx) => tx.execute(running), { lookup: true })
    if (rows.length > 0) return
  }
}

/** Milliseconds that something takes, with how it ended. */
export async function timed<T>(work: Promise<T>): Promise<{ readonly ms: number; readonly outcome: T | Error }> {
  const start = performance.now()
  const outcome = await work.catch((error: unknown) => error as Error)
  return { ms: performance.now() - start, outcome }
}
