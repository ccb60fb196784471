/**
 * The claims of an IC token and the rules their values keep. The same rules judge what is about to be signed and what
 * was just verified, so that nothing is issued that would not be accepted, and no malformed id is ever mapped to another
 * agent (pitfall SEC-13).
 */

/** The `iss` of every IC token; tells it from the other JWTs of the house (http-api 2). */
export const ISSUER = 'iron-control-panel'

/** What an agent may do when nothing else is said: call models through the budget protocol, send telemetry. */
export const DEFAULT_PERMISSIONS: readonly string[] = Object.freeze(['llm:call', 'analytics:write'])

/** Ids are opaque text of at most this many code points (packages.md 0.2). */
const ID_MAX_CODE_POINTS = 255

/** The payload of the JWT (http-api 2). Times are whole seconds since 1970 (RFC 7519 2, NumericDate). */
export interface IcTokenClaims {
  readonly agent_id: string
  readonly budget_id: string
  readonly iss: typeof ISSUER
  /** When it was issued. */
  readonly iat: number
  /** First second at which it is no longer valid; absent = valid until replaced. */
  readonly exp?: number | undefined
  /** Id of the record of this token (`ic_…` in the control plane); makes two tokens of one second differ. */
  readonly jti: string
  readonly permissions: readonly string[]
}

/** What is wrong with the claims, by claim name; empty when they are sound. `iss` is judged apart, before these. */
export function faultsOfClaims(claims: Readonly<Record<string, unknown>>): Record<string, string> {
  const faults: Record<string, string> = {}
  for (const name of ['agent_id', 'budget_id', 'jti']) {
    if (!isId(claims[name]))
      faults[name] = `must be text of 1 to ${ID_MAX_CODE_POINTS} characters without control characters`
  }
  if (!isSeconds(claims.iat)) faults.iat = 'must be a whole number of seconds'
  if (claims.exp !== undefined && !isSeconds(claims.exp)) faults.exp = 'must be a whole number of seconds'
  if (!Array.isArray(claims.permissions) || !claims.permissions.every(isId))
    faults.permissions = 'must be a list of names'
  return faults
}

/** The claims this package knows, frozen; what else a token carried is dropped. */
export function freezeClaims(claims: IcTokenClaims): IcTokenClaims {
  const { agent_id, budget_id, iat, exp, jti } = claims
  const permissions = Object.freeze([...claims.permissions])
  return Object.freeze({
    agent_id,
    budget_id,
    iss: ISSUER,
    iat,
    ...(exp === undefined ? {} : { exp }),
    jti,
    permissions,
  })
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && isPlainText(value) && codePoints(value) <= ID_MAX_CODE_POINTS
}

function isPlainText(text: string): boolean {
  // Lone surrogates are refused: two different ones become the same bytes in UTF-8.
  return text !== '' && text.isWellFormed() && !/\p{Cc}/u.test(text)
}

function codePoints(text: string): number {
  return text.length <= ID_MAX_CODE_POINTS ? text.length : Array.from(text).length
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
