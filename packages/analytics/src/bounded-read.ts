import { type AtTx, DatabaseError, type IronDatabase, type ReadTx } from '@iron/database'
import { queryTimeout } from './errors.ts'

/** PostgreSQL's code of a statement that was cancelled, here by its timeout. */
const CANCELLED = '57014'

/**
 * Reads on one snapshot for at most `timeoutMs`. PostgreSQL cancels the statement itself. SQLite cannot be interrupted from
 * outside: the caller is answered in time, no further statement starts, and the reader thread is free when the running one ends.
 *
 * @throws {AnalyticsError} QUERY_TIMEOUT
 */
export async function boundedRead<T>(
  db: IronDatabase,
  { tx }: AtTx,
  timeoutMs: number,
  work: (tx: ReadTx) => Promise<T>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs
  let isOver = false
  const remainingMs = (): number => {
    const leftMs = Math.ceil(deadlineMs - performance.now())
    if (isOver || leftMs <= 0) throw queryTimeout(timeoutMs)
    return leftMs
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isOver = true
      reject(queryTimeout(timeoutMs))
    }, timeoutMs)
  })
  try {
    const answer =
      tx === undefined
        ? db.read((own) => work(bounded(own, remainingMs)))
        : keepingTimeout(tx, () => work(bounded(tx, remainingMs)))
    return await Promise.race([answer, late])
  } catch (error) {
    throw isTimeout(error) ? queryTimeout(timeoutMs) : error
  } finally {
    clearTimeout(timer)
  }
}

/** The snapshot, each statement with the time that is left. */
function bounded(tx: ReadTx, remainingMs: () => number): ReadTx {
  return {
    dialect: tx.dialect,
    sql: tx.sql,
    execute: async (query) => {
      const leftMs = remainingMs()
      if (tx.dialect === 'postgres') await setTimeoutOf(tx, String(leftMs))
      return tx.execute(query)
    },
  }
}

/** Gives the caller's transaction its own timeout back, unless the work has broken it: then it ends with the transaction. */
async function keepingTimeout<T>(tx: ReadTx, work: () => Promise<T>): Promise<T> {
  if (tx.dialect === 'sqlite') return work()
  const { rows } = await tx.execute<{ timeout: string }>({
    sql: "SELECT current_setting('statement_timeout') AS timeout",
    parameters: [],
  })
  try {
    return await work()
  } finally {
    await setTimeoutOf(tx, rows[0]?.timeout ?? '0').catch(() => undefined)
  }
}

async function setTimeoutOf(tx: ReadTx, timeout: string): Promise<void> {
  await tx.execute({ sql: "SELECT set_config('statement_timeout', $1, true)", parameters: [timeout] })
}

/** A memory database reads on its writer's connection, and so within the writer's time. */
function isTimeout(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false
  return error.code === 'WRITE_TIMEOUT' || (error.cause as { readonly code?: unknown } | undefined)?.code === CANCELLED
}
