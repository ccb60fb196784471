import { InvalidArgumentError } from 'commander'

/** Reads a whole number of at most 15 digits. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('must be a whole number')
  return Number(text)
}

/** Collects the values of an option that may be given several times. */
export function repeatable(value: string, values: readonly string[]): string[] {
  return [...values, value]
}
