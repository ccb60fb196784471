import { optional, text, time } from '../http/schemas.ts'

/** An operation of the audit log: compared exactly. */
export const operation = text({ max: 64 })

/** The half-open range of a log's query (http-api 1.8). */
export const timeRange = { from: optional(time()), to: optional(time()) }

/** The range in epoch ms. */
export function timesOf({ from, to }: { readonly from?: string | undefined; readonly to?: string | undefined }): {
  readonly from: number | undefined
  readonly to: number | undefined
} {
  return {
    from: from === undefined ? undefined : Date.parse(from),
    to: to === undefined ? undefined : Date.parse(to),
  }
}
