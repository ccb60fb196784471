import type { ReadTx } from '@iron/database'
import { type Call, JournalError, type RequestLog } from '@iron/journal'
import { LeaseError } from '../errors.ts'
import type { UsageReport } from './report.ts'

/** What the first booking of a call was. */
export type Billed = Pick<Call, 'id' | 'leaseId' | 'cost' | 'pricing' | 'late' | 'overrun'>

/**
 * The first booking of this call, also when its row has been pruned (budget protocol 4.4).
 *
 * @throws {LeaseError} IDEMPOTENCY_CONFLICT when the call was booked with other content
 */
export async function findBilled(
  tx: ReadTx,
  requests: RequestLog,
  agentId: string,
  report: UsageReport,
): Promise<Billed | undefined> {
  try {
    return await requests.billed({ agentId }, report, { tx })
  } catch (error) {
    if (error instanceof JournalError && error.code === 'IDEMPOTENCY_CONFLICT') {
      throw new LeaseError('IDEMPOTENCY_CONFLICT', 'the request id was booked with other content', {
        details: { request_id: report.requestId },
      })
    }
    throw error
  }
}
