/** The steps a support agent took around one call, as spans. Pure. */
import type { NewSpan } from '@iron/analytics'
import type { PlannedCall } from './plan-calls.ts'

/** Spans of each of the traces. */
export const TRACE_SIZES = [4, 5, 6, 7, 9] as const

const STEPS = [
  'read ticket',
  'search knowledge base',
  'call model',
  'check answer',
  'search orders',
  'look up customer',
  'translate',
  'file draft',
] as const
/** How long a step that is no call takes, in milliseconds. */
const STEP_MS = 120

/** A trace of `size` spans: a root, and its steps one after the other. */
export function planTrace(traceId: string, size: number, call: PlannedCall): NewSpan[] {
  const { model, requestId, latencyMs = 0 } = call.report
  let startedAt = call.at
  const steps = STEPS.slice(0, size - 1).map((name, index): NewSpan => {
    const isCall = name === 'call model'
    const durationMs = isCall ? latencyMs : STEP_MS * (1 + (index % 3))
    const span = { traceId, spanId: `s${String(index + 2)}`, parentId: 's1', name, startedAt, durationMs } as const
    startedAt += durationMs
    return { ...span, status: 'ok', attributes: isCall ? { model, request_id: requestId } : {} }
  })
  const root = { traceId, spanId: 's1', name: 'answer ticket', startedAt: call.at, durationMs: startedAt - call.at }
  return [{ ...root, status: 'ok' }, ...steps]
}
