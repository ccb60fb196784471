import type { FlatRows } from './connection.ts'

/** What crosses between the main thread and a reader thread: compiled SQL and values, never closures (rulings R11). */
export interface ReaderSetup {
  readonly file: string
  readonly busyTimeoutMs: number
}

export type ReaderQuestion =
  | { readonly kind: 'query'; readonly sql: string; readonly parameters: readonly unknown[] }
  /** Writes the database as it is now to a file that does not exist. */
  | { readonly kind: 'backup'; readonly file: string }
  /** Copies the write-ahead log into the database. */
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'end' }
  | { readonly kind: 'close' }

/** An error, flattened: `code` null for one that is not ours. */
export interface ReaderFailure {
  readonly code: string | null
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
  readonly retryable: boolean
}

export type ReaderAnswer = FlatRows | { readonly failure: ReaderFailure }
