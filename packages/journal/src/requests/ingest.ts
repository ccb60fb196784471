/** What runtimes tell of their calls besides what they are charged for (http-api 4.15): it books nothing. */
import type { CostCalculator } from '@iron/cost-calculator'
import type { IronDatabase, JsonObject, WriteTx } from '@iron/database'
import { eventQueue } from '../events/append.ts'
import { prepareEvent } from '../events/event.ts'
import { JournalError } from '../errors.ts'
import type { Sources } from '../sources.ts'
import { checkTelemetry } from './check-telemetry.ts'
import type { CallFacts, NewCall } from './call.ts'
import { priceCall } from './price-call.ts'
import { recordCalls } from './record.ts'
import type { CallTelemetry, ItemResult, PiiTelemetry, TelemetryEvent } from './telemetry.ts'
import { claimEventIds } from './telemetry-ids.ts'

/**
 * Events written in one transaction: few enough that on SQLite, which writes on the main thread, other requests are answered in
 * between. Accepted events are duplicates when a call that broke off is repeated, so parts may commit one by one.
 */
const PART_EVENTS = 50

/** What ingesting works with. */
export interface IngestContext {
  readonly sources: Sources
  /** Asked only when a call has to be priced: a price book takes a while to make. */
  readonly pricing: () => CostCalculator
}

type ReadyEvent = { readonly eventId: string } & ({ readonly call: NewCall } | { readonly pii: PiiTelemetry })
type ReadyItem = ReadyEvent | { readonly refused: ItemResult }

/** Takes in checked events, each by itself: a faulty one is refused and the others go on. */
export async function ingestTelemetry(
  db: IronDatabase,
  agentId: string,
  events: readonly TelemetryEvent[],
  context: IngestContext,
): Promise<readonly ItemResult[]> {
  const items = events.map((event) => readyItem(agentId, event, context))
  const results: ItemResult[] = []
  for (let from = 0; from < items.length; from += PART_EVENTS) {
    const part = items.slice(from, from + PART_EVENTS)
    results.push(...(await db.write((tx) => ingestPart(tx, agentId, part, context.sources), { group: true })))
  }
  return Object.freeze(results)
}

/** Checks and prices before the transaction, where nothing is held. */
function readyItem(agentId: string, event: TelemetryEvent, context: IngestContext): ReadyItem {
  try {
    checkTelemetry(event)
    const { eventId } = event
    if (event.type === 'safety.pii_detected') return { eventId, pii: event }
    return { eventId, call: callOfEvent(agentId, event, context) }
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    const { code, message, details } = error
    return { refused: Object.freeze({ status: 'error', code, message, details }) }
  }
}

function callOfEvent(agentId: string, event: TelemetryEvent & CallTelemetry, context: IngestContext): NewCall {
  const outcome = event.type === 'request.failed' ? 'failed' : 'completed'
  const facts: CallFacts = { ...event.call, outcome, at: event.at }
  const now = context.sources.clock.now()
  const priced = priceCall(facts, { pricing: context.pricing, now, provider: event.priceProvider })
  return { ...facts, ...priced, agentId }
}

async function ingestPart(
  tx: WriteTx,
  agentId: string,
  items: readonly ReadyItem[],
  sources: Sources,
): Promise<readonly ItemResult[]> {
  const ready = items.filter((item) => 'eventId' in item)
  const ids = ready.map(({ eventId }) => eventId)
  const unseen = new Set(await claimEventIds(tx, agentId, ids, sources.clock.now()))
  const accepted = new Set<ReadyItem>(ready.filter(({ eventId }) => unseen.delete(eventId)))
  const calls = [...accepted].flatMap((item) => ('call' in item ? [item.call] : []))
  const record = await recordCalls(tx, calls, sources)
  const results: ItemResult[] = []
  for (const item of items) {
    if ('refused' in item) results.push(item.refused)
    else if (!accepted.has(item)) results.push(DUPLICATE)
    else {
      if ('call' in item) await record(item.call)
      else publishPii(tx, agentId, item.pii, sources)
      results.push(ACCEPTED)
    }
  }
  return results
}

const ACCEPTED: ItemResult = Object.freeze({ status: 'accepted' })
const DUPLICATE: ItemResult = Object.freeze({ status: 'duplicate' })

/** `safety.pii_detected` (websocket.md 5). */
function publishPii(tx: WriteTx, agentId: string, pii: PiiTelemetry, sources: Sources): void {
  const { type, categories, count, action, direction, requestId = null } = pii
  const data: JsonObject = { categories, count, action, direction, request_id: requestId }
  tx.defer(eventQueue, prepareEvent({ type, agentId, data }, sources))
}
