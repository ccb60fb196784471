/** Verifies ledgers on every processor: each thread reads rows and hashes them itself, and neither waits for a disk. */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { LedgerFault } from '@iron/lease-manager'
import { Piscina } from 'piscina'
import type { LedgerBatch } from './ledger-batches.ts'

/** Threads: each has connections of its own to the database. */
const THREADS_MAX = 8

/**
 * Hands batches to threads.
 *
 * @param url of the database, with its password
 * @param seen told of the rows of each batch once it is verified
 * @throws what a thread threw
 */
export async function verifyInThreads(
  url: string,
  batches: readonly LedgerBatch[],
  seen: (rows: number) => void,
): Promise<readonly LedgerFault[]> {
  const isSource = import.meta.url.endsWith('.ts')
  const pool = new Piscina<LedgerBatch, LedgerFault[]>({
    // It stands beside this file in the language this file is in: sources in tests, JavaScript when built.
    filename: fileURLToPath(
      new URL(isSource ? './ledger-thread.ts' : './commands/verify/ledger-thread.js', import.meta.url),
    ),
    ...(isSource && { execArgv: [...process.execArgv, '--conditions=@iron/source'] }),
    workerData: url,
    minThreads: 0,
    maxThreads: Math.min(THREADS_MAX, availableParallelism(), batches.length),
    recordTiming: false,
  })
  try {
    const verify = async (batch: LedgerBatch): Promise<LedgerFault[]> => {
      const faults = await pool.run(batch)
      seen(batch.rows)
      return faults
    }
    return (await Promise.all(batches.map(verify))).flat()
  } finally {
    await pool.destroy()
  }
}
