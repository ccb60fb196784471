import type { Cursor, CursorPage, Page, Paged } from './page.ts'
import type { AtTx } from './transaction.ts'

/** One thing by id; `undefined` when there is none. */
export type Get<T> = (id: string, options?: AtTx) => Promise<T | undefined>

/** A page of things that change. */
export type List<Filter, T> = (filter?: Filter, options?: Page & AtTx) => Promise<Paged<T>>

/** A page of a log that only grows. */
export type Feed<Filter, T> = (filter?: Filter, options?: Cursor & AtTx) => Promise<CursorPage<T>>

/** Deletes what is older than `olderThan` (epoch ms), at most `limit` rows; resolves to how many. */
export type Prune = (options: { readonly olderThan: number; readonly limit?: number | undefined }) => Promise<number>
