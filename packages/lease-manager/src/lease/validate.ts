/** Checks of what callers bring, all faults at once (packages.md 0.3). Nothing is converted before it has passed. */
import { MAX_AMOUNT, type Usage, type UsageUnit } from '@iron/cost-calculator'
import { Faults } from '@iron/database'
import type { ActorRef, CallFacts } from '@iron/journal'
import { checkAmount } from '../amount.ts'
import { LeaseError } from '../errors.ts'

/** Longest id a runtime gives itself, in code points (data-model 3.4). */
export const RUNTIME_ID_MAX = 100
/** Longest text an operator may leave with a change, in code points. */
export const REASON_MAX = 500
/** Longest provider name, error code and trace id of a report, in code points (http-api 4.9.5). */
const NAME_MAX = 100
const MODEL_MAX = 255
const ERROR_MESSAGE_MAX = 1_000
/** Most units of one kind in one call (http-api 4.9.5). */
const COUNT_MAX = 1_000_000_000
const VISIBLE_ASCII = /^[\x21-\x7e]+$/

/** @throws {LeaseError} VALIDATION_ERROR when there are any */
export function refuseFaults(faults: Faults): void {
  faults.throwIfAny((details) => new LeaseError('VALIDATION_ERROR', 'the input is not valid', { details }))
}

/** An id with the input it belongs to, checked together. */
export function checkIds(ids: Readonly<Record<string, unknown>>, more?: (faults: Faults) => void): void {
  const faults = new Faults()
  for (const [path, id] of Object.entries(ids)) faults.id(path, id)
  more?.(faults)
  refuseFaults(faults)
}

/** A key or an id of visible ASCII characters. */
export function checkKey(faults: Faults, path: string, value: unknown, max: number): void {
  faults.text(path, value, { max })
  if (typeof value === 'string' && value.length > 0 && !VISIBLE_ASCII.test(value)) {
    faults.add(path, 'must consist of visible ASCII characters')
  }
}

/** Longest idempotency key (http-api 1.9). */
export const IDEMPOTENCY_KEY_MAX = 255

/** The facts of a reported call; whether it can be priced is the caller's to add. */
export function checkReport(faults: Faults, report: CallFacts): void {
  checkKey(faults, 'requestId', report.requestId, NAME_MAX)
  faults.text('model', report.model, { max: MODEL_MAX })
  if (report.provider !== undefined) faults.text('provider', report.provider, { max: NAME_MAX })
  if (report.cost !== undefined) checkAmount(faults, 'cost', report.cost, 0, MAX_AMOUNT)
  if (report.usage !== undefined) checkUsage(faults, report.usage)
  if (report.outcome !== undefined) faults.oneOf('outcome', report.outcome, ['completed', 'failed'])
  if (report.errorCode !== undefined) faults.text('errorCode', report.errorCode, { max: NAME_MAX })
  if (report.errorMessage !== undefined)
    faults.text('errorMessage', report.errorMessage, { min: 0, max: ERROR_MESSAGE_MAX, multiline: true })
  if (report.latencyMs !== undefined) faults.integer('latencyMs', report.latencyMs, 0)
  if (report.traceId !== undefined) faults.text('traceId', report.traceId, { max: NAME_MAX })
  // Clamped to what the server's clock allows, so any moment will do: a runtime whose clock is dead may say 1969.
  if (report.at !== undefined) faults.integer('at', report.at, Number.MIN_SAFE_INTEGER)
}

const UNITS: Readonly<Record<UsageUnit, true>> = {
  input: true,
  cacheRead: true,
  cacheWrite: true,
  cacheWrite1h: true,
  audioInput: true,
  audioCacheRead: true,
  imageInput: true,
  imageCacheRead: true,
  videoInput: true,
  output: true,
  reasoning: true,
  citation: true,
  audioOutput: true,
  imageOutput: true,
  videoOutput: true,
  unsplit: true,
  audioSeconds: true,
  webSearches: true,
  storageSearches: true,
  documentPages: true,
  requests: true,
}

function checkUsage(faults: Faults, usage: Usage): void {
  if (typeof usage !== 'object' || (usage as unknown) === null) {
    faults.add('usage', 'must be an object of counts')
    return
  }
  for (const [unit, count] of Object.entries<number | undefined>(usage)) {
    if (count === undefined) continue
    if (Object.hasOwn(UNITS, unit)) faults.integer(`usage.${unit}`, count, 0, COUNT_MAX)
    else faults.add(`usage.${unit}`, 'is not a unit of usage')
  }
}

/** Who acts, checked with the input and before anything is written. */
export function checkActor(faults: Faults, actor: ActorRef | undefined): void {
  if (typeof actor !== 'object' || (actor as unknown) === null)
    faults.id('actor', typeof actor === 'number' ? String(actor) : actor)
  else {
    faults.id('actor.id', actor.id)
    if (actor.userId !== undefined) faults.id('actor.userId', actor.userId)
  }
}
