/** ISO-8601 UTC with three fraction digits (http-api 1.4). */
export function isoTime(at: number): string {
  return new Date(at).toISOString()
}

/** The same for a time that may be missing. */
export function isoTimeOrNull(at: number | null): string | null {
  return at === null ? null : isoTime(at)
}
