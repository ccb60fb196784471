import { Faults } from '@iron/database'
import { invalid } from '../errors.ts'
import { checkFacts } from './check-call.ts'
import { hasUsage } from './price-call.ts'
import type { CallTelemetry, PiiTelemetry, TelemetryEvent } from './telemetry.ts'

/** Longest event id, in code points (data-model 3.6). */
const EVENT_ID_MAX = 100
/** Categories of personal data one event may name (http-api 4.15). */
const CATEGORIES_MAX = 20
const CATEGORY = /^[a-z_]{1,40}$/

const TYPES = ['request.completed', 'request.failed', 'safety.pii_detected'] as const

/**
 * Checks one event.
 *
 * @throws {JournalError} VALIDATION_ERROR
 */
export function checkTelemetry(event: TelemetryEvent): void {
  const faults = new Faults()
  if (!isObject(event)) faults.add('$', 'must be an object')
  faults.throwIfAny(invalid('the event is not valid'))
  faults.text('eventId', event.eventId, { max: EVENT_ID_MAX })
  // Clamped to what the server's clock allows, so any moment will do: a runtime whose clock is dead may say 1969.
  faults.integer('at', event.at, Number.MIN_SAFE_INTEGER)
  faults.oneOf('type', event.type, TYPES)
  // What an event of no known type must say is not known either.
  if (event.type === 'safety.pii_detected') checkPii(event, faults)
  else if (TYPES.includes(event.type)) checkTold(event, faults)
  faults.throwIfAny(invalid('the event is not valid'))
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function checkTold({ type, call }: CallTelemetry, faults: Faults): void {
  if (!isObject(call)) {
    faults.add('call', 'must be an object')
    return
  }
  for (const name of ['requestId', 'model'] as const) {
    faults.check((call[name] as unknown) !== undefined, `call.${name}`, 'is required')
  }
  checkFacts(call, faults, 'call.')
  if (type === 'request.failed') {
    faults.check(call.errorCode !== undefined, 'call.errorCode', 'is required for a failed call')
    return
  }
  for (const name of ['errorCode', 'errorMessage'] as const) {
    faults.check(call[name] === undefined, `call.${name}`, 'is only for a failed call')
  }
  if (!faults.any) {
    faults.check(call.cost !== undefined || hasUsage(call), 'call.cost', 'is required unless usage is given')
  }
}

function checkPii(event: PiiTelemetry, faults: Faults): void {
  const { categories, count, action, direction, requestId } = event
  faults.check(
    Array.isArray(categories) &&
      categories.length >= 1 &&
      categories.length <= CATEGORIES_MAX &&
      categories.every((name: unknown) => typeof name === 'string' && CATEGORY.test(name)),
    'categories',
    `must be 1 to ${CATEGORIES_MAX} names of 1 to 40 lower-case letters and underscores`,
  )
  faults.integer('count', count, 1)
  faults.oneOf('action', action, ['logged', 'redacted', 'blocked'])
  faults.oneOf('direction', direction, ['input', 'output'])
  checkFacts({ requestId }, faults)
}
