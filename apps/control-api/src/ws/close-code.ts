import type { ApiError } from '../http/errors.ts'

/** Close codes of websocket.md 9 that this side sends; 1002, 1007 and 1009 come from the protocol itself. */
export const CLOSE = {
  goingAway: 1001,
  binary: 1003,
  fault: 1011,
  malformed: 4400,
  unauthorized: 4401,
  forbidden: 4403,
  timeout: 4408,
  slow: 4413,
  tooMany: 4429,
} as const

/** The code that a refusal closes with. */
export function closeCodeOf({ status }: ApiError): number {
  switch (status) {
    case 400:
      return CLOSE.malformed
    case 401:
      return CLOSE.unauthorized
    case 403:
      return CLOSE.forbidden
    case 429:
      return CLOSE.tooMany
    default:
      return CLOSE.fault
  }
}
