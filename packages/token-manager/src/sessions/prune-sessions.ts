import type { WriteTx } from '@iron/database'
import { SILENCE_MS } from './login-attempts.ts'

/** Deletes sessions that expired or were ended before an instant, the oldest first; how many. */
export async function pruneSessions(tx: WriteTx, olderThan: number, limit: number): Promise<number> {
  const result = await tx.sql
    .deleteFrom('sessions')
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('sessions')
        .select('id')
        .where((old) => old.or([old('expires_at', '<', olderThan), old('revoked_at', '<', olderThan)]))
        .orderBy('expires_at')
        .limit(limit),
    )
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

/** Deletes failure counts that a day of silence has cleared (data-model 3.1); how many. */
export async function pruneAttempts(tx: WriteTx, nowMs: number, limit: number): Promise<number> {
  const result = await tx.sql
    .deleteFrom('login_attempts')
    .where('account_key', 'in', (eb) =>
      eb
        .selectFrom('login_attempts')
        .select('account_key')
        .where('last_failed_at', '<=', nowMs - SILENCE_MS)
        .where((old) => old.or([old('locked_until', 'is', null), old('locked_until', '<=', nowMs)]))
        .limit(limit),
    )
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
