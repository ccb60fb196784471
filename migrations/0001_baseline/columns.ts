/**
 * The column types of data-model 1, each with its rule. One description serves both engines, so that they cannot diverge:
 * only the two storage types are spelled per engine, in `create-table.ts`.
 */

/** The largest amount and the largest integer: 2^53 - 1, exact in a JavaScript number. */
const INTEGER_MAX = '9007199254740991'

/** A foreign key of one column. */
export interface Reference {
  readonly table: string
  readonly column: string
  /** `cascade` for pure link rows only. */
  readonly onDelete: 'restrict' | 'cascade'
}

/** One column, by the rules of one row of data-model.md. */
export interface Column {
  readonly storage: 'text' | 'integer'
  /** The CHECK on the column, as SQL, from the column's name. */
  readonly check?: (name: string) => string
  readonly nullable?: boolean
  readonly defaultValue?: string | number
  readonly references?: Reference
}

/** Text of `min`..`max` code points; without bounds, any text. */
export function text(min?: number, max?: number): Column {
  if (min === undefined || max === undefined) return { storage: 'text' }
  const rule = (name: string): string =>
    min === 0 ? `length(${name}) <= ${String(max)}` : `length(${name}) BETWEEN ${String(min)} AND ${String(max)}`
  return { storage: 'text', check: rule }
}

/** Ours or a caller's: opaque, 1..255 code points. */
export function id(): Column {
  return text(1, 255)
}

/** One of a closed list. */
export function oneOf(...values: readonly string[]): Column {
  const list = values.map((value) => `'${value}'`).join(', ')
  return { storage: 'text', check: (name) => `${name} IN (${list})` }
}

/** JSON text, at most `max` code points when one is given. */
export function json(max?: number): Column {
  return max === undefined ? text() : text(0, max)
}

/** Hex SHA-256. */
export function hash(): Column {
  return { storage: 'text', check: (name) => `length(${name}) = 64` }
}

/** An integer from `min` to 2^53 - 1. */
export function count(min = 0): Column {
  return { storage: 'integer', check: (name) => `${name} BETWEEN ${String(min)} AND ${INTEGER_MAX}` }
}

/** Microdollars; MON-05: the same upper bound as in the API and the library. */
export function money(min = 0): Column {
  return count(min)
}

/** Epoch milliseconds. No CHECK: a clock step must never refuse a fact (data-model 1). */
export function time(): Column {
  return { storage: 'integer' }
}

/** 0 or 1. */
export function flag(): Column {
  return { storage: 'integer', check: (name) => `${name} IN (0, 1)` }
}

/** The column may be null; its CHECK then holds for the other values. */
export function optional(column: Column): Column {
  return { ...column, nullable: true }
}

/** The database supplies this value when an insert names none. */
export function byDefault(column: Column, defaultValue: string | number): Column {
  return { ...column, defaultValue }
}

/** A foreign key to `table(column)`. */
export function references(table: string, column = 'id', onDelete: Reference['onDelete'] = 'restrict'): Column {
  return { ...id(), references: { table, column, onDelete } }
}
