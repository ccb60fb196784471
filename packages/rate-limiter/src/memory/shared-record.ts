/**
 * When there is no room for a new key's record, all such keys of a rule share one: together they get no more than one
 * key would, so pressure makes limits tighter, never looser (LIM-06).
 */
import type { Meter } from '../meter.ts'
import type { Space } from './space.ts'

/**
 * The level of every key of a space that has no record. It is that of the shared record also when there is room again:
 * the key may be one of those that took from it, and starting it full would give it its capacity twice.
 */
export function sharedLevel(space: Space, meter: Meter, now: number): number {
  const { shared } = space
  const slot = shared?.find(meter.id)
  return shared === undefined || slot === undefined ? 0 : shared.level(slot, meter, now)
}

export function setSharedLevel(space: Space, meter: Meter, level: number, now: number): void {
  const shared = space.withShared()
  shared.setLevel(shared.find(meter.id) ?? shared.add(meter.id), meter, level, now)
}
