import type { Faults, TextRule } from '@iron/database'

/** Display names, in code points (http-api 4.2). */
const NAME_MAX = 255

/** A text that is stored trimmed: its length is that of the trimmed one, and its ends hide no line breaks (VAL-06, VAL-07). */
export function checkTrimmed(faults: Faults, path: string, value: unknown, rule: TextRule): void {
  if (typeof value === 'string') faults.check(!/\p{Cc}/u.test(value), path, 'must not contain control characters')
  faults.text(path, typeof value === 'string' ? value.trim() : value, rule)
}

/** A display name. */
export function checkName(faults: Faults, path: string, name: unknown): void {
  checkTrimmed(faults, path, name, { max: NAME_MAX })
}

/** A display name as it is stored: in the form in which its length is counted (VAL-06). */
export function storedName(name: string): string {
  return name.normalize('NFC').trim()
}

/** A user name as it is stored and shown. */
export function storedUsername(username: string): string {
  return username.normalize('NFC').trim()
}
