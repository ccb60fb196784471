/**
 * The forms in which user names and e-mails are compared: two accounts that look equal must be one (AUT-17, VAL-17).
 * Compatibility forms and case are folded away; invisible characters are refused instead, because dropping them
 * would let somebody take a name by writing it differently.
 */
import type { Faults } from '@iron/database'
import { checkTrimmed } from './names.ts'

/** Bounds in code points (http-api 4.2). */
const USERNAME_MAX = 255
const EMAIL_MIN = 3
const EMAIL_MAX = 255

/** Zero-width, direction-changing, filler and other characters that show nothing. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Zl}\p{Zp}]/u
/** Every kind of white space that is not at an end. */
const WHITE_SPACE = /\s/u

/** What makes a user name unique: NFKC, trimmed, without case: `straße` is `STRASSE`. */
export function usernameKey(username: string): string {
  return inFixedForm(username, (text) => text.toUpperCase().toLowerCase().replaceAll('ς', 'σ'))
}

/**
 * The form in which an e-mail is stored and looked up: NFKC, trimmed, lower case. Letters that only some call equal (ß and
 * ss) stay apart: mail to one does not reach the other.
 */
export function emailKey(email: string): string {
  return inFixedForm(email, (text) => text.toLowerCase().replaceAll('ς', 'σ'))
}

/** Rounds of folding until a text stands still; any text does after a few. */
const ROUNDS_MAX = 8

/** Folding case can leave NFKC and the reverse, so both are done until neither changes anything. */
function inFixedForm(text: string, withoutCase: (text: string) => string): string {
  let form = text
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const next = withoutCase(form.normalize('NFKC')).normalize('NFKC').trim()
    if (next === form) return form
    form = next
  }
  return form
}

/** A user name: no white space, no `@` (so that it is never mistaken for an e-mail), nothing invisible. */
export function checkUsername(faults: Faults, path: string, username: unknown): void {
  checkTrimmed(faults, path, username, { max: USERNAME_MAX })
  if (typeof username !== 'string') return
  const key = usernameKey(username)
  faults.check(!key.includes('@') && !WHITE_SPACE.test(key), path, 'must not contain white space or @')
  faults.check(!INVISIBLE.test(username), path, 'must not contain invisible characters')
  faults.text(path, key, { max: USERNAME_MAX })
}

/** An e-mail: one `@` with something on both sides, no white space inside, nothing invisible. */
export function checkEmail(faults: Faults, path: string, email: unknown): void {
  if (typeof email !== 'string') {
    faults.add(path, 'must be a text')
    return
  }
  const key = emailKey(email)
  checkTrimmed(faults, path, email, { min: EMAIL_MIN, max: EMAIL_MAX })
  faults.text(path, key, { min: EMAIL_MIN, max: EMAIL_MAX })
  faults.check(/^[^@\s]+@[^@\s]+$/u.test(key), path, 'must be an e-mail address')
  faults.check(!INVISIBLE.test(email), path, 'must not contain invisible characters')
}
