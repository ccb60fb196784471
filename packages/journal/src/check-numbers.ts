import { Faults } from '@iron/database'
import { invalid } from './errors.ts'

/**
 * Refuses numbers that are none of a row: nothing lies before or after NaN, so that a question would be answered with nothing and a
 * verification would pass without having looked; and PostgreSQL compares whole numbers with whole numbers only.
 *
 * @param min the least that they may be
 * @throws {JournalError} VALIDATION_ERROR, all of them at once
 */
export function checkNumbers(
  numbers: Readonly<Record<string, number | undefined>>,
  message: string,
  min: number = Number.MIN_SAFE_INTEGER,
): void {
  const faults = new Faults()
  for (const [path, value] of Object.entries(numbers)) if (value !== undefined) faults.integer(path, value, min)
  faults.throwIfAny(invalid(message))
}
