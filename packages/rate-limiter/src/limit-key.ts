/**
 * Turns the key of a caller into one text, so that no two keys share it whatever their parts contain (LIM-05). Plain
 * texts, the common case, stay what they are; lists become JSON, and the few texts that could be mistaken for JSON too.
 */
import { RateLimitError } from './errors.ts'

/** Who is limited: one text, or several parts that are kept apart. `['a', 1]` and `['a', '1']` are two keys. */
export type LimitKey = string | readonly (string | number)[]

/** Longest key, parts and their marks together, in UTF-16 code units. */
export const KEY_MAX_CHARS = 2048

const BRACKET = 0x5b
const QUOTE = 0x22

/** @throws {RateLimitError} INVALID_KEY empty, too long, or not made of texts and finite numbers */
export function encodeKey(key: LimitKey): string {
  return typeof key === 'string' && isPlain(key) ? key : encodeOther(key)
}

/** Whether a text is its own name. */
function isPlain(key: string): boolean {
  if (key.length === 0 || key.length > KEY_MAX_CHARS) return false
  const first = key.charCodeAt(0)
  return first !== BRACKET && first !== QUOTE
}

function encodeOther(key: LimitKey): string {
  if (typeof key !== 'string') return encodeParts(key)
  if (key.length === 0) throw invalid(`must be 1 to ${KEY_MAX_CHARS} characters long`)
  return bounded(key.length > KEY_MAX_CHARS ? key : JSON.stringify(key))
}

/** The same for a store that sees bytes: lone surrogates, which all become the same bytes, are spelled out. */
export function encodeForWire(encoded: string): string {
  return encoded.isWellFormed() ? encoded : JSON.stringify(encoded)
}

function encodeParts(parts: readonly (string | number)[]): string {
  if (!Array.isArray(parts) || parts.length === 0) throw invalid('must be a text or a list of at least one part')
  const wrong = parts.findIndex((part: unknown) => typeof part !== 'string' && !Number.isFinite(part))
  if (wrong !== -1) throw invalid('must be a text or a finite number', wrong)
  return bounded(JSON.stringify(parts))
}

function bounded(encoded: string): string {
  if (encoded.length > KEY_MAX_CHARS) throw invalid(`must be at most ${KEY_MAX_CHARS} characters long`)
  return encoded
}

function invalid(rule: string, index?: number): RateLimitError {
  const fields = { [index === undefined ? 'key' : `key[${index}]`]: rule }
  return new RateLimitError('INVALID_KEY', 'The key of a limiter is not valid', { fields })
}
