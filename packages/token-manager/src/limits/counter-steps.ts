import type { LimitNeed, LimitSubject } from './limit.ts'
import type { CounterStep } from './statements.ts'
import { LIMIT_WINDOWS, windowStarts } from './windows.ts'

/**
 * Which counters a use raises: those of the owner's general row, and those of the project if it has a label (LIM-17). What
 * is zero raises nothing.
 */
export function counterSteps(subject: LimitSubject, need: LimitNeed, nowMs: number): readonly CounterStep[] {
  const starts = windowStarts(nowMs)
  const amounts = { tokens_per_day: need.tokens, requests_per_minute: need.requests, cost_per_month: need.cost }
  const steps: CounterStep[] = []
  for (const projectId of subject.projectId === undefined ? [''] : ['', subject.projectId]) {
    for (const metric of LIMIT_WINDOWS) {
      const amount = amounts[metric] ?? 0
      if (amount > 0) steps.push({ projectId, metric, start: starts[metric], amount })
    }
  }
  return steps
}
