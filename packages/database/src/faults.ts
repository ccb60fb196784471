/** Bounds of a text, in code points after NFC. */
export interface TextRule {
  readonly min?: number | undefined
  readonly max: number
  /** Whether tabs and line breaks are text (description, reason, notes, justification, message). */
  readonly multiline?: boolean | undefined
}

/** Longest id a caller may bring, in code points (packages.md 0.2). */
export const ID_MAX = 255

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

const CONTROL_IN_LINES = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/

/** What stands in a header, a URL and a log line as it is (http-api 1.9). */
const VISIBLE_ASCII = /^[\x21-\x7e]+$/

/** Length in code points, without building an array of them. */
export function codePointsIn(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/**
 * Collects every fault of an input, so that all are reported at once (VAL-02). Text limits count code points after NFC;
 * NUL and control characters are refused (http-api 1.5).
 */
export class Faults {
  readonly #fields: Record<string, string> = Object.create(null) as Record<string, string>
  #count = 0

  /** Records a fault; the first one of a path stays. */
  add(path: string, text: string): void {
    if (path in this.#fields) return
    this.#fields[path] = text
    this.#count += 1
  }

  /** Records a fault unless `holds`. */
  check(holds: boolean, path: string, text: string): void {
    if (!holds) this.add(path, text)
  }

  /** A text within its bounds. */
  text(path: string, value: unknown, rule: TextRule): void {
    if (typeof value !== 'string') {
      this.add(path, 'must be a text')
      return
    }
    const min = rule.min ?? 1
    const length = codePointsIn(value.normalize('NFC'))
    if (length < min || length > rule.max) {
      this.add(path, `must be ${String(min)} to ${String(rule.max)} characters long`)
    } else if ((rule.multiline === true ? CONTROL_IN_LINES : CONTROL).test(value)) {
      this.add(path, 'must not contain control characters')
    } else if (!value.isWellFormed()) {
      this.add(path, 'must be valid Unicode')
    }
  }

  /** An id given by a caller: opaque, 1..255. */
  id(path: string, value: unknown): void {
    this.text(path, value, { max: ID_MAX })
  }

  /** A key of 1..`max` visible ASCII characters. */
  key(path: string, value: unknown, max: number): void {
    const valid = typeof value === 'string' && value.length <= max && VISIBLE_ASCII.test(value)
    this.check(valid, path, `must be 1 to ${String(max)} visible ASCII characters`)
  }

  /** A whole number within its bounds. */
  integer(path: string, value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): void {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) this.add(path, 'must be a whole number')
    else if (value < min || value > max) this.add(path, `must be ${String(min)} to ${String(max)}`)
  }

  /** One of the listed values. */
  oneOf(path: string, value: unknown, values: readonly unknown[]): void {
    if (!values.includes(value)) this.add(path, `must be one of ${values.join(', ')}`)
  }

  get any(): boolean {
    return this.#count > 0
  }

  /** `details` of a VALIDATION_ERROR. */
  get details(): { readonly fields: Readonly<Record<string, string>> } {
    return { fields: { ...this.#fields } }
  }

  /** Throws what `makeError` makes of the faults, if there are any. */
  throwIfAny(makeError: (details: { readonly fields: Readonly<Record<string, string>> }) => Error): void {
    if (this.any) throw makeError(this.details)
  }
}
