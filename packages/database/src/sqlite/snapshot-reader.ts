import type { Kysely } from 'kysely'
import type { Executor } from '../kysely-executor.ts'
import type { IronSchema } from '../schema.ts'

/** A read-only connection that is lent for one snapshot after the other: the first query begins one. */
export interface SnapshotReader extends Executor {
  readonly kysely: Kysely<IronSchema>
  /** It answers nothing any more. */
  readonly failed: boolean
  /** Writes the database to a file that does not exist, as it is at one moment. */
  backup(file: string): Promise<void>
  /** Copies the write-ahead log into the database, beside whoever writes. */
  checkpoint(): Promise<void>
  /** Ends the snapshot. */
  end(): void
  close(): Promise<void>
}
