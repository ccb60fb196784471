/** The time that decides about an agent (budget protocol 11.2): the injected clock, which may not step back a little. */
import type { Clock } from '@iron/database'

/** How far the clock may stand behind an agent's last booking before the clock is believed instead, in milliseconds. */
export const CLOCK_TOLERANCE_MS = 300_000

/** Code of the process warning about a clock that jumped back beyond the tolerance. */
export const CLOCK_WARNING = 'IRON_CLOCK_STEPPED_BACK'

/**
 * The agent's present: the clock, or its last booking when that is ahead by at most the tolerance, so that nothing un-expires
 * (MON-21). Further ahead the clock wins.
 */
export function agentNow(clock: Clock, updatedAt: number): number {
  const now = clock.now()
  return updatedAt > now && updatedAt - now <= CLOCK_TOLERANCE_MS ? updatedAt : now
}

/** Warns the process (`process.on('warning')`, code {@link CLOCK_WARNING}) when the clock stands further back than tolerated. */
export function warnOfClock(clock: Clock, agentId: string, updatedAt: number): void {
  const behindMs = updatedAt - clock.now()
  if (behindMs <= CLOCK_TOLERANCE_MS) return
  process.emitWarning(`the clock stands ${behindMs} ms behind the last booking of ${agentId}`, { code: CLOCK_WARNING })
}
