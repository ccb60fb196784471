import { InvalidArgumentError } from 'commander'

/** Reads a whole number of at most 15 digits. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('must be a whole number')
  return Number(text)
}

/** Reads a whole number within limits. */
export function wholeNumberFrom(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = wholeNumber(text)
    if (value >= min && value <= max) return value
    const range = max === Number.MAX_SAFE_INTEGER ? `${String(min)} or more` : `from ${String(min)} to ${String(max)}`
    throw new InvalidArgumentError(`must be a whole number, ${range}`)
  }
}

/** Reads values between commas. */
export function commaList(text: string): string[] {
  return text
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '')
}

/** Collects the values of an option that may be given several times. */
export function repeatable(value: string, values: readonly string[]): string[] {
  return [...values, value]
}
