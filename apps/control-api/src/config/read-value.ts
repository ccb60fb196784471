/** How the text of a variable becomes its value. Each throws an Error whose message is the rule that the text breaks. */
import { readFileSync } from 'node:fs'
import { CostError, createPriceBook, type Microdollars, type PriceInput, type Rates, usd } from '@iron/cost-calculator'
import { parseSource } from '@iron/database'
import type { RateRule } from '../http/rate-classes.ts'

/** A rate limit of one class: `count` requests in `seconds`, or none. */
export type RateLimit = RateRule | 'off'

export const asText = (text: string): string => text

export const oneOf =
  <T extends string>(...values: T[]) =>
  (text: string): T => {
    const value = values.find((known) => known === text)
    if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`)
    return value
  }

export const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) throw new Error(`must be a whole number from ${min} to ${max}`)
    return value
  }

export const flag = (text: string): boolean => oneOf('true', 'false', 'on', 'off')(text) === 'true' || text === 'on'

export const seconds =
  (min: number, max: number) =>
  (text: string): number =>
    integer(min, max)(text) * 1_000

export const amount = (text: string): Microdollars => {
  try {
    const value = usd(text)
    if (value > 0) return value
  } catch (error) {
    if (!(error instanceof CostError)) throw error
  }
  throw new Error('must be an amount of US dollars above 0 with at most 6 decimals')
}

export const origins = (text: string): readonly string[] =>
  text.split(',').map((item) => {
    const origin = item.trim()
    if (origin.includes('*') || !URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new Error(`must be a comma list of origins such as https://console.example.com, not ${origin}`)
    }
    return origin
  })

/** What a user's password may be, in code points (http-api 4.1). */
const PASSWORD_MIN = 8
const PASSWORD_MAX = 1_000

export const password = (text: string): string => {
  const length = Array.from(text).length
  if (length < PASSWORD_MIN || length > PASSWORD_MAX) {
    throw new Error(`must be ${PASSWORD_MIN} to ${PASSWORD_MAX} characters long`)
  }
  return text
}

export const email = (text: string): string => {
  if (!/^[^\s@]+@[^\s@]+$/.test(text) || text.length > 255) throw new Error('must be an e-mail address')
  return text
}

export const databaseUrl = (text: string): string => {
  try {
    parseSource(text)
  } catch {
    // What is wrong with it might show the password in it.
    throw new Error('must be a path, sqlite:…, file:…, :memory: or a postgres:// URL')
  }
  return text
}

/** The client takes whatever else it is given for a host's name or a socket, and a server would limit on its own for ever. */
export const redisUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isServer = url !== undefined && /^rediss?:$/.test(url.protocol) && url.hostname !== ''
  if (!(isServer && /^\/?\d*$/.test(url.pathname)) && !text.startsWith('/')) {
    // The value might show a password.
    throw new Error('must be a redis:// or rediss:// URL, or the path of a socket')
  }
  return text
}

export const httpUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new Error('must be an http or https URL without query, for example http://localhost:4318')
  }
  return text
}

export const headerPairs = (text: string): string => {
  if (!text.split(',').every((pair) => /^\s*[\w!#$%&'*+.^`|~-]+\s*=[\x20-\x7e]*$/.test(pair))) {
    throw new Error('must be a comma list of name=value')
  }
  return text
}

export const ratio = (text: string): number => {
  const value = /^\d(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= 1)) throw new Error('must be a number from 0 to 1')
  return value
}

export function prices(text: string): readonly PriceInput[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(text, 'utf8'))
  } catch (error) {
    throw new Error(`must name a readable JSON file: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!Array.isArray(parsed)) throw new Error('must name a file with a JSON array of prices')
  const inputs = parsed as PriceInput[]
  try {
    createPriceBook([...inputs])
  } catch (error) {
    if (!(error instanceof CostError)) throw error
    const rules = Object.entries((error.details['fields'] ?? {}) as Readonly<Record<string, string>>)
    throw new Error(`must hold prices: ${rules.map(([place, rule]) => `${place} ${rule}`).join('; ')}`, {
      cause: error,
    })
  }
  return inputs
}

/** The address of a server, without a slash at its end. */
export function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) throw new Error('must be an http(s):// address')
  return url.href.replace(/\/$/, '')
}

export function ceiling(text: string): Rates {
  const [input, output, ...rest] = text.split('/')
  if (input === undefined || output === undefined || rest.length > 0) {
    throw new Error('must be input/output in US dollars per million tokens, for example 30/180')
  }
  return { input: amount(input), output: amount(output) }
}

export function rateLimit(text: string): RateLimit {
  if (text === 'off') return 'off'
  const match = /^(\d{1,9})\/(\d{1,5})$/.exec(text)
  const limit = { count: Number(match?.[1]), seconds: Number(match?.[2]) }
  if (match === null || limit.seconds < 1 || limit.seconds > 86_400) {
    throw new Error('must be <count>/<seconds> with 1 to 86400 seconds, or off')
  }
  return limit
}
