import type { ReadTx } from '@iron/database'
import { type Call, JournalError, type RequestLog } from '@iron/journal'
import { LeaseError } from '../errors.ts'
import type { UsageReport } from './report.ts'

/** What the first booking of a call was. */
export type Billed = Pick<Call, 'id' | 'leaseId' | 'cost' | 'pricing' | 'late' | 'overrun'>

/** How a batch asks for the first booking of a call. @throws {LeaseError} as {@link findBilled} */
export type FindBilled = (report: UsageReport) => Billed | undefined

/** Looks the calls of a batch up at once. */
export async function findAllBilled(
  tx: ReadTx,
  requests: RequestLog,
  agentId: string,
  reports: readonly UsageReport[],
): Promise<FindBilled> {
  const billed = await requests.billedAll({ agentId }, reports, { tx })
  return (report) => {
    try {
      return billed(report)
    } catch (error) {
      throw refusalOf(error, report)
    }
  }
}

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
    throw refusalOf(error, report)
  }
}

function refusalOf(error: unknown, report: UsageReport): unknown {
  return isConflict(error) ? bookedOtherwise(report) : error
}

/** Whether the journal knows the call with other content. */
export function isConflict(error: unknown): boolean {
  return error instanceof JournalError && error.code === 'IDEMPOTENCY_CONFLICT'
}

/** The request id was used for another call. */
export function bookedOtherwise({ requestId }: UsageReport): LeaseError {
  return new LeaseError('IDEMPOTENCY_CONFLICT', 'the request id was booked with other content', {
    details: { request_id: requestId },
  })
}
