import type { AnySchema } from '@iron/migrations'

/** What the runner needs of an open database; the engines implement it, tests may too. */
export interface MigrationHost {
  readonly dialect: 'sqlite' | 'postgres'
  /**
   * One connection for the whole run, and nobody else of this process on it. No transaction is open: the runner issues BEGIN
   * and COMMIT itself.
   */
  exclusive<T>(work: (connection: AnySchema) => Promise<T>): Promise<T>
  /** Copies the database before its schema changes; absent where that is the operator's task. @returns the copy's path */
  readonly backup?: (() => Promise<string | undefined>) | undefined
  now(): number
}
