import { RateLimitError, type RateLimitErrorCode } from './errors.ts'

/** Collects what is wrong with an input, so that all of it is told at once. */
export class Faults {
  readonly #fields: Record<string, string> = {}

  /** Records a fault unless `holds`. */
  check(holds: boolean, path: string, rule: string): void {
    if (!holds) this.#fields[path] ??= rule
  }

  /** A whole number from `min` to `max`. */
  whole(path: string, value: unknown, min: number, max: number): void {
    const holds = Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
    this.check(holds, path, `must be a whole number from ${min} to ${max}`)
  }

  throwIfAny(code: RateLimitErrorCode, message: string): void {
    if (Object.keys(this.#fields).length > 0) throw new RateLimitError(code, message, { fields: this.#fields })
  }
}
