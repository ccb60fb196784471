/** Spans as runtimes tell them (http-api 4.17). */
import type { NewSpan } from '@iron/analytics'
import type { JsonObject } from '@iron/database'
import type { ItemResult } from '@iron/journal'
import { itemResultsAnswer } from '../answers/batch.ts'
import { errorBody, toApiError } from '../http/errors.ts'
import { count, id, object, oneOf, optional, type Static, text, time, Type } from '../http/schemas.ts'
import { compileCheck } from '../http/validator.ts'
import type { Services } from '../services.ts'
import { inPlace, parseItem, textIn } from './batch-items.ts'

const spanId = text({ max: 100 })
export const span = object({
  trace_id: id('trace'),
  span_id: spanId,
  parent_id: optional(spanId),
  name: text({ max: 200 }),
  started_at: time(),
  duration_ms: optional(count()),
  status: oneOf('ok', 'error'),
  attributes: optional(Type.Record(Type.String(), Type.Unknown())),
})
const checkSpan = compileCheck(span)

/** Keeps the good spans of a batch and answers each in its place. */
export async function appendSpans(services: Services, agentId: string, sent: readonly unknown[]) {
  const parsed = sent.map((item, index) => parseItem(`spans[${index}]`, () => spanOf(item)))
  const good = parsed.flatMap((item) => (item.ok ? [item.item] : []))
  const kept = good.length === 0 ? [] : await services.traces.append(agentId, good)
  let next = 0
  const results = parsed.map((item, index): ItemResult => {
    const result = item.ok ? (kept[next++] as ItemResult) : undefined
    if (result !== undefined && result.status !== 'error') return result
    const error = item.ok ? inPlace(toApiError(result), `spans[${index}]`) : item.error
    return { status: 'error', code: error.code, message: error.message, details: error.details ?? {} }
  })
  const names = sent.map((item) => ({ trace_id: textIn(item, 'trace_id'), span_id: textIn(item, 'span_id') }))
  return itemResultsAnswer(results, names, (error) => errorBody(toApiError(error), ''))
}

function spanOf(sent: unknown): NewSpan {
  checkSpan(sent)
  const item = sent as Static<typeof span>
  return {
    traceId: item.trace_id,
    spanId: item.span_id,
    parentId: item.parent_id,
    name: item.name,
    startedAt: Date.parse(item.started_at),
    durationMs: item.duration_ms,
    status: item.status,
    attributes: item.attributes as JsonObject | undefined,
  }
}
