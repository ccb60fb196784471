import type { Kysely } from 'kysely'

/** The two engines; every step yields the same schema on both. */
export type Engine = 'sqlite' | 'postgres'

/** What a step runs on: it may create any table, so its row types cannot be known. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- Kysely's type for "any schema"
export type AnySchema = Kysely<any>

/** One step of the one linear history. A released step is never edited: its checksum is recorded in every database. */
export interface MigrationStep {
  /** 1, 2, 3… without gaps. */
  readonly number: number
  /** Of the file, without its number: `0001_baseline.ts` is `baseline`. */
  readonly name: string
  /** SHA-256 over the source of the step and of every file it imports. */
  readonly checksum: string
  /** Runs inside the transaction that also records the step. */
  up(db: AnySchema, engine: Engine): Promise<void>
}
