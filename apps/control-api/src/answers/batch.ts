import type { ItemResult } from '@iron/journal'

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
