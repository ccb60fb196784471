import type { AgentPrincipal } from '@iron/agent-registry'
import type { BatchItem } from '@iron/lease-manager'
import type { ReportAnswer } from '@iron/budget-protocol'
import { batchAnswer } from '../answers/protocol.ts'
import { errorBody, toApiError } from '../http/errors.ts'
import { compileCheck } from '../http/validator.ts'
import type { Services } from '../services.ts'
import { parseItem, textIn } from './batch-items.ts'
import { report, type Report, usageReportOf } from './report.ts'

const checkReport = compileCheck(report)

/**
 * Books the good items of a batch and answers each in its place: a bad item affects no other (CON-07). A fault of the server
 * is thrown, and then nothing was booked.
 */
export async function reportBatch(services: Services, agent: AgentPrincipal, sent: readonly unknown[]) {
  const parsed = sent.map((item, index) => parseItem(`reports[${index}]`, () => reportOf(item)))
  const good = parsed.flatMap((item) => (item.ok ? [item.item] : []))
  const booked = good.length === 0 ? [] : await services.protocol.reportBatch(agent, good)
  let next = 0
  const items = parsed.map((item): BatchItem<ReportAnswer> => {
    if (item.ok) return booked[next++] as BatchItem<ReportAnswer>
    const { code, message, details } = item.error
    return { ok: false, error: { code, message, details: details ?? {} } }
  })
  const requestIds = sent.map((item) => textIn(item, 'request_id'))
  return batchAnswer(items, requestIds, (error) => errorBody(toApiError(error), ''))
}

function reportOf(sent: unknown) {
  checkReport(sent)
  const item = sent as Report
  return { leaseId: item.lease_id, report: usageReportOf(item) }
}
