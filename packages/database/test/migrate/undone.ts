import type { EmptyDatabase } from './open-empty.ts'

/** Runs `work` in a transaction that is rolled back whatever happens. */
export async function undone<T>(database: EmptyDatabase, work: () => Promise<T>): Promise<T> {
  await database.rows('BEGIN')
  try {
    return await work()
  } finally {
    await database.rows('ROLLBACK')
  }
}

/** Runs `work` so that its failure undoes only what it did, inside a transaction. */
export async function attempt(database: EmptyDatabase, work: () => Promise<unknown>): Promise<Error | undefined> {
  await database.rows('SAVEPOINT attempt')
  try {
    await work()
    await database.rows('RELEASE SAVEPOINT attempt')
    return undefined
  } catch (error) {
    await database.rows('ROLLBACK TO SAVEPOINT attempt')
    await database.rows('RELEASE SAVEPOINT attempt')
    return error as Error
  }
}
