import { Faults } from '@iron/database'
import { refuseFaults } from '../errors.ts'
import type { NewSpan } from './span.ts'

/** Longest texts of a span, in code points, and its largest attributes, in bytes of JSON (data-model 3.6). */
const SPAN_ID_MAX = 100
const NAME_MAX = 200
const ATTRIBUTES_BYTES_MAX = 16_384

/**
 * Checks one span.
 *
 * @throws {AnalyticsError} VALIDATION_ERROR
 */
export function checkSpan(span: NewSpan): void {
  const faults = new Faults()
  if (typeof span !== 'object' || (span as unknown) === null) faults.add('$', 'must be an object')
  refuseFaults(faults)
  const { traceId, spanId, parentId, name, startedAt, durationMs, status, attributes } = span
  faults.id('traceId', traceId)
  faults.text('spanId', spanId, { max: SPAN_ID_MAX })
  if (parentId !== undefined) faults.text('parentId', parentId, { max: SPAN_ID_MAX })
  faults.text('name', name, { max: NAME_MAX })
  faults.integer('startedAt', startedAt, 0)
  if (durationMs !== undefined) faults.integer('durationMs', durationMs, 0)
  faults.oneOf('status', status, ['ok', 'error'])
  if (attributes !== undefined) {
    const bytes = Buffer.byteLength(JSON.stringify(attributes, checkingTexts(faults)))
    faults.check(bytes <= ATTRIBUTES_BYTES_MAX, 'attributes', `must be at most ${ATTRIBUTES_BYTES_MAX} bytes of JSON`)
  }
  refuseFaults(faults)
}

const ANY_LINES = { min: 0, max: Infinity, multiline: true }

/** Looks at every text, names included, wherever it is in the attributes (VAL-07). */
function checkingTexts(faults: Faults) {
  return (name: string, value: unknown): unknown => {
    faults.text('attributes', name, ANY_LINES)
    if (typeof value === 'string') faults.text('attributes', value, ANY_LINES)
    return value
  }
}
