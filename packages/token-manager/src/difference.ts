import type { JsonObject } from '@iron/database'

/** What an audit entry shows of a change: the members that differ, before and after; `undefined` when none does. */
export function difference(
  before: JsonObject,
  after: JsonObject,
): { readonly before: JsonObject; readonly after: JsonObject } | undefined {
  const fields = Object.keys(before).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
  if (fields.length === 0) return undefined
  const only = (values: JsonObject): JsonObject => Object.fromEntries(fields.map((key) => [key, values[key] ?? null]))
  return { before: only(before), after: only(after) }
}
