/**
 * How failed logins are counted and when they lock an e-mail, known or not (AUT-13). Pure: the service repeats
 * the decision under a lock before it writes.
 */

/** Consecutive failures that lock (http-api 4.1). */
export const LOCK_AFTER_FAILURES = 10
/** How long a lock lasts, in milliseconds. */
export const LOCK_MS = 30 * 60_000
/**
 * The furthest end of a lock that is believed, in milliseconds from now: one further away was set by a clock that stood ahead, and
 * keeps nobody out until it is then. A clock that steps back by five minutes lifts none.
 */
const LOCK_AHEAD_MAX_MS = LOCK_MS + 5 * 60_000
/** After this silence the count starts anew, in milliseconds (data-model 3.1). */
export const SILENCE_MS = 24 * 60 * 60_000

/** What is known of the failures of one e-mail. */
export interface LoginAttempts {
  readonly failures: number
  readonly last_failed_at: number
  readonly locked_until: number | null
}

/** Until when the e-mail is locked, or null. */
export function lockedUntil(attempts: LoginAttempts | undefined, nowMs: number): number | null {
  const until = attempts?.locked_until ?? null
  return until !== null && until > nowMs && until - nowMs <= LOCK_AHEAD_MAX_MS ? until : null
}

/** The count after one more failure. A lock that has ended, or a day of silence, has cleared it. */
export function decideFailure(attempts: LoginAttempts | undefined, nowMs: number): LoginAttempts {
  const counts = attempts?.locked_until === null && nowMs - attempts.last_failed_at < SILENCE_MS
  const failures = counts ? attempts.failures + 1 : 1
  return { failures, last_failed_at: nowMs, locked_until: failures >= LOCK_AFTER_FAILURES ? nowMs + LOCK_MS : null }
}
