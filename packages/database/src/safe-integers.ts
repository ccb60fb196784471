import { DatabaseError } from './errors.ts'

/** Integers beyond 2^53 would silently lose digits in a number: they are refused, never rounded (DAT-17). */
export function refuseUnsafeIntegers(rows: readonly unknown[]): void {
  for (const row of rows) {
    const values = row as Record<string, unknown>
    for (const column in values) if (isUnsafe(values[column])) throw unsafeInteger(column)
  }
}

/** The same for the values of all rows in one list. */
export function refuseUnsafeValues(columns: readonly string[], values: readonly unknown[]): void {
  for (let index = 0; index < values.length; index += 1) {
    if (isUnsafe(values[index])) throw unsafeInteger(columns[index % columns.length])
  }
}

function isUnsafe(value: unknown): boolean {
  return typeof value === 'number' && (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER)
}

/** The parser of PostgreSQL's int8 and numeric: a number that is exact, or an error. */
export function parseSafeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw unsafeInteger(undefined)
  return value
}

function unsafeInteger(column: string | undefined): DatabaseError {
  return new DatabaseError('UNSAFE_INTEGER', 'an integer beyond 2^53 was read from the database', {
    details: column === undefined ? {} : { column },
  })
}
