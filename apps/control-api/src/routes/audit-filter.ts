import { validationError } from '../http/errors.ts'
import { optional, text, time } from '../http/schemas.ts'

/** An operation of the audit log: compared exactly. */
export const operation = text({ max: 64 })

/** The half-open range of a log's query (http-api 1.8). */
export const timeRange = { from: optional(time()), to: optional(time()) }

/** The range in epoch ms. @throws {ApiError} VALIDATION_ERROR when it ends before it begins (http-api 5.1) */
export function timesOf(query: { readonly from?: string | undefined; readonly to?: string | undefined }): {
  readonly from: number | undefined
  readonly to: number | undefined
} {
  const from = query.from === undefined ? undefined : Date.parse(query.from)
  const to = query.to === undefined ? undefined : Date.parse(query.to)
  if (from !== undefined && to !== undefined && from >= to) throw validationError({ 'query.to': 'must be after from' })
  return { from, to }
}
