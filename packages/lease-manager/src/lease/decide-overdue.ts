/** What time has done to an active lease (budget protocol 11.1). */
import { CLOCK_TOLERANCE_MS } from '../budget/agent-now.ts'
import { isOpen, type LeaseState } from './lease.ts'

/** How long leases live. */
export interface LeaseTimes {
  /** From the grant, and again from every report on time, in milliseconds. Undefined: deadlines far ahead are left alone. */
  readonly ttlMs: number | undefined
  /** From the deadline until the lease is closed, in milliseconds. */
  readonly graceMs: number
}

/** `cut`: the clock stood far ahead when the lease was made; it gets a fresh life, so that its money comes back in time. */
export type OverdueDecision =
  { readonly outcome: 'keep' } | { readonly outcome: 'lapse' } | { readonly outcome: 'cut'; readonly expiresAt: number }

/** For statements that look for such leases: deadlines up to the one and above the other. */
export function overdueBounds(
  now: number,
  times: LeaseTimes,
): { readonly lapsedUpTo: number; readonly cutAbove: number } {
  const cutAbove = times.ttlMs === undefined ? Number.MAX_SAFE_INTEGER : now + times.ttlMs + CLOCK_TOLERANCE_MS
  return { lapsedUpTo: now - times.graceMs, cutAbove }
}

export function decideOverdue(lease: LeaseState, now: number, times: LeaseTimes): OverdueDecision {
  const { lapsedUpTo, cutAbove } = overdueBounds(now, times)
  if (!isOpen(lease)) return { outcome: 'keep' }
  if (lease.expiresAt <= lapsedUpTo) return { outcome: 'lapse' }
  if (times.ttlMs !== undefined && lease.expiresAt > cutAbove) return { outcome: 'cut', expiresAt: now + times.ttlMs }
  return { outcome: 'keep' }
}

export function isOverdue(lease: LeaseState, now: number, times: LeaseTimes): boolean {
  return decideOverdue(lease, now, times).outcome !== 'keep'
}
