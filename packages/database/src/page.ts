import type { SelectQueryBuilder } from 'kysely'
import { DatabaseError } from './errors.ts'
import { Faults, ID_MAX } from './faults.ts'

/** Which part of a list that changes (http-api 1.7, 1.8). */
export interface Page {
  /** From 1. Default 1. */
  readonly page?: number | undefined
  /** 1..100. Default 50. */
  readonly perPage?: number | undefined
  /** A field name, or `-` and a field name for descending. */
  readonly sort?: string | undefined
}

/** One page of a list. */
export interface Paged<T> {
  readonly data: readonly T[]
  readonly page: number
  readonly perPage: number
  readonly total: number
}

/** Which part of a log that only grows (http-api 1.7). */
export interface Cursor {
  /** `nextCursor` of the page before. */
  readonly after?: string | undefined
  /** 1..1000. Default 100. */
  readonly limit?: number | undefined
  /** Default `desc`: newest first. */
  readonly order?: 'asc' | 'desc' | undefined
}

/** One page of a log; `nextCursor` is null at its end. */
export interface CursorPage<T> {
  readonly data: readonly T[]
  readonly nextCursor: string | null
}

/** Entries of a page (http-api 1.7). */
export const PER_PAGE_DEFAULT = 50
export const PER_PAGE_MAX = 100
/** Entries of a log page (http-api 1.7). */
export const LIMIT_DEFAULT = 100
export const LIMIT_MAX = 1_000

/** A page request that has been checked. */
export interface PageWindow<Column extends string> {
  readonly page: number
  readonly perPage: number
  readonly offset: number
  readonly column: Column
  readonly direction: 'asc' | 'desc'
}

/**
 * Checks a page request against the list's sortable fields.
 *
 * @param sorts field name of the wire or the API → column
 * @throws {DatabaseError} VALIDATION_ERROR naming every fault
 */
export function pageWindow<Column extends string>(
  page: Page,
  sorts: Readonly<Record<string, Column>>,
  defaultSort = '-createdAt',
): PageWindow<Column> {
  const faults = new Faults()
  const number = page.page ?? 1
  const perPage = page.perPage ?? PER_PAGE_DEFAULT
  faults.integer('page', number, 1)
  faults.integer('perPage', perPage, 1, PER_PAGE_MAX)
  const sort = page.sort ?? defaultSort
  const descending = sort.startsWith('-')
  const field = descending ? sort.slice(1) : sort
  const column = Object.hasOwn(sorts, field) ? sorts[field] : undefined
  if (column === undefined) faults.add('sort', `must be one of ${Object.keys(sorts).join(', ')}, with - for descending`)
  faults.throwIfAny((details) => new DatabaseError('VALIDATION_ERROR', 'the page is not valid', { details }))
  return {
    page: number,
    perPage,
    offset: Math.min((number - 1) * perPage, Number.MAX_SAFE_INTEGER),
    column: column as Column,
    direction: descending ? 'desc' : 'asc',
  }
}

/** Which rows of an ordered list a page is, counted from its nearer end. */
export interface PageSlice {
  /** 0 past the end. */
  readonly limit: number
  readonly offset: number
  /** The order in which `offset` counts; that of the list is the window's. */
  readonly direction: 'asc' | 'desc'
}

/**
 * Where a page lies in a list of `total` rows. An engine walks over the rows it leaves out, so those of the second half are
 * counted from the end, in the opposite order: the last page costs what the first one does. The selected ids are put into the
 * window's order afterwards.
 */
export function pageSlice({ perPage, offset, direction }: PageWindow<string>, total: number): PageSlice {
  const limit = Math.max(0, Math.min(perPage, total - offset))
  const after = total - offset - limit
  if (limit === 0 || offset <= after) return { limit, offset, direction }
  return { limit, offset: after, direction: direction === 'asc' ? 'desc' : 'asc' }
}

/** Ids up to which all that fit are read at once. */
const FEW = 300

/**
 * The ids of the rows that fit when these are few, `undefined` when they are many. A text that is rare among many rows is looked
 * for once then, and not once for the total and once more for the page; a frequent one is soon found often enough.
 */
export async function fewIds<DB, TB extends keyof DB>(
  matching: SelectQueryBuilder<DB, TB, { id: string }>,
): Promise<readonly string[] | undefined> {
  const rows = await matching.limit(FEW + 1).execute()
  return rows.length > FEW ? undefined : rows.map(({ id }) => id)
}

/** A log request that has been checked: `after` holds the values the cursor was made of. */
export interface CursorWindow {
  readonly after: readonly (string | number)[] | undefined
  readonly limit: number
  readonly order: 'asc' | 'desc'
}

/**
 * Checks a log request.
 *
 * @param kinds the types of the values a cursor of this log holds
 * @throws {DatabaseError} VALIDATION_ERROR; INVALID_CURSOR for a cursor that is not one of ours
 */
export function cursorWindow(
  cursor: Cursor,
  kinds: readonly ('string' | 'number')[],
  order: 'asc' | 'desc' = 'desc',
): CursorWindow {
  const faults = new Faults()
  const limit = cursor.limit ?? LIMIT_DEFAULT
  faults.integer('limit', limit, 1, LIMIT_MAX)
  faults.oneOf('order', cursor.order ?? order, ['asc', 'desc'])
  faults.throwIfAny((details) => new DatabaseError('VALIDATION_ERROR', 'the page is not valid', { details }))
  const after = cursor.after === undefined ? undefined : decodeCursor(cursor.after, kinds)
  return { after, limit, order: cursor.order ?? order }
}

/** The text form of a position in a log. */
export function encodeCursor(...values: (string | number)[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url')
}

/** The page made of one row more than asked for: the extra row only tells that there is a next page. */
export function cursorPage<Row, T>(
  rows: readonly Row[],
  limit: number,
  map: (row: Row) => T,
  position: (row: Row) => (string | number)[],
): CursorPage<T> {
  const kept = rows.slice(0, limit)
  const last = kept.at(-1)
  const nextCursor = rows.length > limit && last !== undefined ? encodeCursor(...position(last)) : null
  return Object.freeze({ data: Object.freeze(kept.map(map)), nextCursor })
}

function decodeCursor(text: string, kinds: readonly ('string' | 'number')[]): readonly (string | number)[] {
  let values: unknown
  try {
    values = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    values = undefined
  }
  const ours =
    Array.isArray(values) &&
    values.length === kinds.length &&
    kinds.every((kind, index) => isPosition((values as unknown[])[index], kind)) &&
    encodeCursor(...(values as (string | number)[])) === text
  if (!ours) {
    const details = { fields: { after: 'is not a cursor of this list' } }
    throw new DatabaseError('INVALID_CURSOR', 'the cursor is not one of this list', { details })
  }
  return values as (string | number)[]
}

/**
 * Cursors hold times, sequence numbers and ids; a position before every row of its time has an empty id. What is neither must not
 * reach the engine: PostgreSQL fails on fractions and NUL.
 */
function isPosition(value: unknown, kind: 'string' | 'number'): boolean {
  const faults = new Faults()
  if (kind === 'number') faults.integer('after', value, 0)
  else faults.text('after', value, { min: 0, max: ID_MAX })
  return !faults.any
}
