/** Several charges in one step of a memory store: all or none. */
import type { Charge } from '../charge.ts'
import { decisionAt, decisionOn, type RateDecision } from '../decision.ts'
import { outcomeOf } from '../meter.ts'
import { setSharedLevel } from './shared-record.ts'
import type { Space } from './space.ts'
import type { Spaces } from './spaces.ts'

interface Step extends Charge {
  readonly space: Space
}

/** One decision a charge, in their order. Each sees what those before it took; if one is refused, nothing is taken. */
export function applyAll(spaces: Spaces, charges: readonly Charge[], now: number): readonly RateDecision[] {
  spaces.tick(now)
  const undone: (() => void)[] = []
  const applied = charges.map((charge) => {
    const step: Step = { ...charge, space: spaces.at(charge.place) }
    return { step, decision: applyOne(spaces, step, now, undone) }
  })
  if (!applied.every(({ decision }) => decision.allowed)) {
    undone.reverse().forEach((undo) => undo())
    return applied.map(({ step, decision: { allowed, retryAfterMs } }) =>
      decisionAt(step.place.meter, levelOf(spaces, step, now), now, allowed, retryAfterMs),
    )
  }
  return applied.map(({ decision }) => decision)
}

function applyOne(spaces: Spaces, step: Step, now: number, undone: (() => void)[]): RateDecision {
  const { meter } = step.place
  const before = levelOf(spaces, step, now)
  if (step.mode === 'refund') return decisionAt(meter, refund(spaces, step, before, now, undone), now, true, 0)
  const outcome = outcomeOf(meter, before, step.cost)
  if (step.mode === 'peek' && outcome >= 0) return decisionAt(meter, before, now, true, 0)
  if (outcome >= 0) change(spaces, step, outcome, now, undone)
  return decisionOn(meter, outcome, step.cost, now)
}

/** The level afterwards. A key without a record took nothing that could be told from what others took. */
function refund(spaces: Spaces, step: Step, before: number, now: number, undone: (() => void)[]): number {
  if (step.space.find(step.key) === undefined) return before
  const after = Math.max(0, before - step.cost * step.place.meter.unit)
  change(spaces, step, after, now, undone)
  return after
}

function change(spaces: Spaces, step: Step, after: number, now: number, undone: (() => void)[]): void {
  const { space, key, place } = step
  const before = levelOf(spaces, step, now)
  const wasKnown = space.find(key) !== undefined
  if (after === 0) spaces.remove(space, key)
  else spaces.setLevel(space, place.meter, key, after, now)
  const isKnown = space.find(key) !== undefined
  undone.push(() => {
    if (isKnown && !wasKnown) spaces.remove(space, key)
    else if (wasKnown || isKnown) spaces.setLevel(space, place.meter, key, before, now)
    else setSharedLevel(space, place.meter, before, now)
  })
}

function levelOf(spaces: Spaces, { space, place, key }: Step, now: number): number {
  return spaces.level(space, place.meter, key, now)
}
