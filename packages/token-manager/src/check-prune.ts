import { Faults, type Prune } from '@iron/database'
import { refuseFaults } from './errors.ts'

/** Rows of one call of `prune`, unless it is told otherwise. */
const PRUNE_ROWS = 5_000

/**
 * What is to be pruned, checked: to SQLite a negative limit is none, and nothing is older than NaN.
 *
 * @throws {TokenManagerError} VALIDATION_ERROR
 */
export function checkPrune({ olderThan, limit = PRUNE_ROWS }: Parameters<Prune>[0]): {
  readonly olderThan: number
  readonly limit: number
} {
  const faults = new Faults()
  faults.integer('olderThan', olderThan, 0)
  faults.integer('limit', limit, 1)
  refuseFaults(faults)
  return { olderThan, limit }
}
