/** The time that decides about an agent (budget protocol 11.2): the injected clock, which may not step back a little. */
import type { Clock } from '@iron/database'

/** How far the clock may stand behind an agent's last booking before the clock is believed instead, in milliseconds. */
export const CLOCK_TOLERANCE_MS = 300_000

/** Code of the process warning about a clock that jumped back beyond the tolerance. */
export const CLOCK_WARNING = 'IRON_CLOCK_STEPPED_BACK'

/**
 * The agent's present: the clock, or its last booking when that is ahead by at most the tolerance, so that nothing un-expires
 * (MON-21). Further ahead the clock wins and the process is warned (`process.on('warning')`, code {@link CLOCK_WARNING}).
 */
export function agentNow(clock: Clock, agentId: string, updatedAt: number): number {
  const now = clock.now()
  if (updatedAt <= now) return now
  if (updatedAt - now <= CLOCK_TOLERANCE_MS) return updatedAt
  process.emitWarning(`the clock stands ${updatedAt - now} ms behind the last booking of ${agentId}`, { code: CLOCK_WARNING })
  return now
}
