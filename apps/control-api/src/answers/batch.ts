import type { ItemResult } from '@iron/journal'
import { nullable, oneOf, optional, type TSchema } from '../http/schemas.ts'
import { anyObject, list, shape, shown, whole } from './shape.ts'

/** What an item of a batch is refused with, beside its place. */
export const itemErrorFields = {
  error: optional({ ...shown('Validation failed'), examples: [] }),
  code: optional({ ...shown('VALIDATION_ERROR'), examples: [] }),
  details: optional({ ...anyObject(), examples: [] }),
}

const itemResultsShape = <Names extends Readonly<Record<string, TSchema>>>(names: Names) =>
  shape({
    accepted: whole(1),
    duplicates: whole(0),
    failed: whole(0),
    results: list(
      shape({ index: whole(0), ...names, status: oneOf('accepted', 'duplicate', 'error'), ...itemErrorFields }),
    ),
  })

export const eventResultsShape = itemResultsShape({ event_id: nullable(shown('event-1')) })

export const spanResultsShape = itemResultsShape({
  trace_id: nullable(shown('trace_0199c2f0-5a00-7000-8000-00000000000c')),
  span_id: nullable(shown('span-1')),
})

/**
 * What became of the items of telemetry or traces (http-api 4.15, 4.17).
 *
 * @param names of the items, in order, as the answer repeats them
 * @param errorOf the wire form of an item's error
 */
export function itemResultsAnswer(
  results: readonly ItemResult[],
  names: readonly object[],
  errorOf: (error: Extract<ItemResult, { readonly status: 'error' }>) => object,
) {
  const count = (status: ItemResult['status']): number => results.filter((result) => result.status === status).length
  return {
    accepted: count('accepted'),
    duplicates: count('duplicate'),
    failed: count('error'),
    results: results.map((result, index) => ({
      index,
      ...names[index],
      status: result.status,
      ...(result.status === 'error' ? errorOf(result) : {}),
    })),
  }
}
