/** The body of a thread that verifies ledgers. Its connections end with it. */
import { openDatabase } from '@iron/database'
import { Ledger, type LedgerFault } from '@iron/lease-manager'
import { workerData } from 'piscina'
import { type LedgerBatch, verifyBatch } from './ledger-batches.ts'

const ledger = new Ledger(await openDatabase(workerData as string, { migrations: 'unchecked', readers: 0 }))

export default (batch: LedgerBatch): Promise<LedgerFault[]> => verifyBatch(ledger, batch)
