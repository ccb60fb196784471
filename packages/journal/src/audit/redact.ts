import type { Json } from '@iron/database'

/** What stands where a secret was (http-api 1.13). */
export const REDACTED = '[redacted]'

/** Words that make a name secret wherever they stand in it. */
const SECRET_ANYWHERE = new Set(['password', 'passwords', 'passwd', 'passphrase', 'secret', 'secrets', 'authorization'])
/** Words that make a name secret when it ends with them: `api_key` is one, `key_id` is not. */
const SECRET_LAST = new Set(['token', 'key', 'credential', 'credentials', 'cookie'])
/** Plurals that also name counts: `input_tokens: 5` stays, `tokens: ['…']` does not. */
const SECRET_PLURAL = new Set(['tokens', 'keys'])
/** Endings that make a name harmless: they say something about the secret, not the secret. */
const ABOUT = new Set(['id', 'ids', 'at', 'version', 'count', 'masked', 'status'])

/** Whether a key names a secret. Words are told apart at `_`, `-`, `.`, blanks and capitals. */
export function looksSecret(key: string): boolean {
  const words = wordsOf(key)
  const last = words.at(-1)
  if (last === undefined || ABOUT.has(last)) return false
  if (words.some((word) => SECRET_ANYWHERE.has(word)) || SECRET_LAST.has(last) || SECRET_PLURAL.has(last)) return true
  const owner = words.at(-2)
  return last === 'hash' && owner !== undefined && SECRET_LAST.has(owner)
}

/**
 * A copy in which every value under a key that looks like a secret is replaced (SEC-01). Booleans and nulls stay: `has_key`
 * and `must_change_password` tell no secret. Numbers stay under plurals, where they are counts.
 */
export function redact(value: Json): Json {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return (value as readonly Json[]).map(redact)
  const copy: Record<string, Json> = {}
  for (const [key, member] of Object.entries(value)) {
    // Assigned by definition, so that a member called __proto__ stays a member.
    const shown = hides(key, member) ? REDACTED : redact(member)
    Object.defineProperty(copy, key, { value: shown, enumerable: true, configurable: true, writable: true })
  }
  return copy
}

function hides(key: string, member: Json | undefined): boolean {
  if (member === null || member === undefined || typeof member === 'boolean') return false
  if (!looksSecret(key)) return false
  return typeof member !== 'number' || !SECRET_PLURAL.has(wordsOf(key).at(-1) ?? '')
}

function wordsOf(key: string): string[] {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}
