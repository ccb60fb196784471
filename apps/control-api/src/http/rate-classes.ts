/** The rate classes of http-api 1.10; every route names one. */

/** Whose requests share a bucket: an address's, an e-mail's, or a principal's (a user with all sessions, a token, an agent). */
type RateKey = 'address' | 'email' | 'principal'

/** So many requests in so many seconds: at once, and then evenly. */
export interface RateRule {
  readonly count: number
  readonly seconds: number
}

const MINUTE = 60
const FIVE_MINUTES = 300

/** Every class with its default and what it is counted by. */
export const RATE_CLASSES = {
  flood: { count: 60_000, seconds: MINUTE, key: 'address' },
  authfail: { count: 60, seconds: MINUTE, key: 'address' },
  login: { count: 5, seconds: FIVE_MINUTES, key: 'address' },
  login_email: { count: 15, seconds: FIVE_MINUTES, key: 'email' },
  auth: { count: 60, seconds: MINUTE, key: 'address' },
  public: { count: 300, seconds: MINUTE, key: 'address' },
  read: { count: 300, seconds: MINUTE, key: 'principal' },
  write: { count: 60, seconds: MINUTE, key: 'principal' },
  secret: { count: 10, seconds: MINUTE, key: 'principal' },
  analytics: { count: 60, seconds: MINUTE, key: 'principal' },
  grant: { count: 120, seconds: MINUTE, key: 'principal' },
  report: { count: 6_000, seconds: MINUTE, key: 'principal' },
  batch: { count: 600, seconds: MINUTE, key: 'principal' },
  beat: { count: 120, seconds: MINUTE, key: 'principal' },
} as const satisfies Readonly<Record<string, RateRule & { readonly key: RateKey }>>

/** The name of a class, as configuration and `GET /limits` say it. */
export type RateClass = keyof typeof RATE_CLASSES

/** All of them. */
export const RATE_CLASS_NAMES = Object.keys(RATE_CLASSES) as readonly RateClass[]
