/** Items of a batch, each checked by itself: a bad one affects no other (http-api 4.9.6, 4.15, 4.17). */
import { ApiError, toApiError } from '../http/errors.ts'

/** An item in the package's form, or what is wrong with it. */
export type Parsed<T> = { readonly ok: true; readonly item: T } | { readonly ok: false; readonly error: ApiError }

/**
 * Parses one item.
 *
 * @param place of the item in the body: `reports[3]`
 * @throws what is not a fault of the item
 */
export function parseItem<T>(place: string, parse: () => T): Parsed<T> {
  try {
    return { ok: true, item: parse() }
  } catch (error) {
    const refused = toApiError(error)
    if (refused.status !== 400) throw error
    return { ok: false, error: inPlace(refused, place) }
  }
}

/** `cost_usd` of the fourth item is `reports[3].cost_usd` (http-api 1.5). */
export function inPlace(error: ApiError, place: string): ApiError {
  const given = error.details?.['fields'] as Record<string, string> | undefined
  if (given === undefined) return error
  const named = Object.entries(given).map(([path, text]) => [path === '$' ? place : `${place}.${path}`, text])
  const fields = Object.fromEntries(named) as Record<string, string>
  return new ApiError(error.code, error.message, { details: { fields } })
}

/** A text field of an item that may be anything; null when it has none. */
export function textIn(sent: unknown, field: string): string | null {
  const value = typeof sent === 'object' && sent !== null ? (sent as Readonly<Record<string, unknown>>)[field] : null
  return typeof value === 'string' ? value : null
}
