/** What runtimes tell of their calls besides what they are charged for (http-api 4.15). */
import type { ItemResult, TelemetryEvent } from '@iron/journal'
import { itemResultsAnswer } from '../answers/batch.ts'
import { type ApiError, errorBody, toApiError } from '../http/errors.ts'
import { array, object, oneOf, optional, type Static, text, time, Type } from '../http/schemas.ts'
import { compileCheck } from '../http/validator.ts'
import type { Services } from '../services.ts'
import { inPlace, parseItem, textIn } from './batch-items.ts'
import { callFactsOf, callFields, model, requestId } from './report.ts'

const { outcome: _outcome, timestamp: _timestamp, error_code: _code, error_message: errorMessage, ...told } = callFields
const named = { event_id: text({ max: 100 }), timestamp: time() }
const ofCall = { ...named, request_id: requestId, model, ...told }

const completed = object({ ...ofCall, type: oneOf('request.completed') })
const failed = object({
  ...ofCall,
  type: oneOf('request.failed'),
  error_code: text({ max: 100 }),
  error_message: errorMessage,
})
const pii = object({
  ...named,
  type: oneOf('safety.pii_detected'),
  categories: array(Type.String({ pattern: '^[a-z_]{1,40}$' }), { minItems: 1, maxItems: 20 }),
  count: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  action: oneOf('logged', 'redacted', 'blocked'),
  direction: oneOf('input', 'output'),
  request_id: optional(requestId),
})
/** One event, as each is checked. */
export const telemetryEvent = Type.Union([completed, failed, pii])
const checkCompleted = compileCheck(completed)
const checkFailed = compileCheck(failed)
const checkPii = compileCheck(pii)
/** What is said of an event whose type is none of ours. */
const checkNamed = compileCheck(
  Type.Object({ ...named, type: oneOf('request.completed', 'request.failed', 'safety.pii_detected') }),
)

type CallItem = Static<typeof completed> | Static<typeof failed>

/** Takes in the good events of a batch and answers each in its place. */
export async function ingestTelemetry(services: Services, agentId: string, sent: readonly unknown[]) {
  const parsed = sent.map((item, index) => parseItem(`events[${index}]`, () => eventOf(item)))
  const good = parsed.flatMap((item) => (item.ok ? [item.item] : []))
  const priced = await withPriceProviders(services, good)
  const taken = priced.length === 0 ? [] : await services.requests.ingest(agentId, priced)
  let next = 0
  const results = parsed.map((item, index): ItemResult => {
    if (!item.ok) return resultOf(item.error)
    const result = taken[next++] as ItemResult
    return result.status === 'error' ? resultOf(inPlace(toApiError(unwrapped(result)), `events[${index}]`)) : result
  })
  const names = sent.map((item) => ({ event_id: textIn(item, 'event_id') }))
  return itemResultsAnswer(results, names, (error) => errorBody(toApiError(error), ''))
}

function resultOf({ code, message, details = {} }: ApiError): ItemResult {
  return { status: 'error', code, message, details }
}

/** What the package says of `call.cost` is said of a field of the event itself. */
function unwrapped(result: Extract<ItemResult, { readonly status: 'error' }>) {
  const fields = Object.entries((result.details['fields'] ?? {}) as Record<string, string>)
  return {
    ...result,
    details: { fields: Object.fromEntries(fields.map(([path, rule]) => [path.replace(/^call\./, ''), rule])) },
  }
}

function eventOf(sent: unknown): TelemetryEvent {
  switch (textIn(sent, 'type')) {
    case 'request.completed':
      checkCompleted(sent)
      return callEventOf(sent as Static<typeof completed>)
    case 'request.failed':
      checkFailed(sent)
      return callEventOf(sent as Static<typeof failed>)
    case 'safety.pii_detected':
      checkPii(sent)
      return piiEventOf(sent as Static<typeof pii>)
    default:
      checkNamed(sent)
      throw new Error('an event of an unknown type passed its check')
  }
}

function callEventOf({ event_id: eventId, timestamp, type, ...item }: CallItem): TelemetryEvent {
  const call = { ...callFactsOf(item), requestId: item.request_id, model: item.model }
  return { eventId, at: Date.parse(timestamp), type, call }
}

function piiEventOf(item: Static<typeof pii>): TelemetryEvent {
  const { event_id: eventId, timestamp, request_id: ofRequest, ...rest } = item
  return { eventId, at: Date.parse(timestamp), ...rest, requestId: ofRequest }
}

/** The kind of the provider that a call names decides its price, as for reports (budget protocol 8.2). */
async function withPriceProviders(
  { providers }: Pick<Services, 'providers'>,
  events: readonly TelemetryEvent[],
): Promise<readonly TelemetryEvent[]> {
  const kinds = new Map<string, string | undefined>()
  for (const event of events) {
    const name = 'call' in event && event.call.cost === undefined ? event.call.provider : undefined
    if (name !== undefined && !kinds.has(name)) kinds.set(name, (await providers.resolve(name))?.kind)
  }
  return events.map((event) => {
    if (!('call' in event) || event.call.provider === undefined) return event
    return { ...event, priceProvider: kinds.get(event.call.provider) }
  })
}
