import type { AgentPrincipal } from '@iron/agent-registry'
import type { BatchItem, UsageReport } from '@iron/lease-manager'
import type { ReportAnswer } from '@iron/budget-protocol'
import { batchAnswer } from '../answers/protocol.ts'
import { ApiError, errorBody, toApiError } from '../http/errors.ts'
import { compileCheck } from '../http/validator.ts'
import type { Services } from '../services.ts'
import { report, type Report, usageReportOf } from './report.ts'

const checkReport = compileCheck(report)

type Parsed =
  | { readonly ok: true; readonly leaseId: string; readonly report: UsageReport }
  | { readonly ok: false; readonly error: ApiError }

/**
 * Books the good items of a batch and answers each in its place: a bad item affects no other (CON-07). A fault of the server
 * is thrown, and then nothing was booked.
 */
export async function reportBatch(services: Services, agent: AgentPrincipal, sent: readonly unknown[]) {
  const parsed = sent.map(parse)
  const good = parsed.filter((item) => item.ok)
  const booked = good.length === 0 ? [] : await services.protocol.reportBatch(agent, good)
  let next = 0
  const items = parsed.map((item): BatchItem<ReportAnswer> => {
    if (item.ok) return booked[next++] as BatchItem<ReportAnswer>
    const { code, message, details } = item.error
    return { ok: false, error: { code, message, details: details ?? {} } }
  })
  return batchAnswer(items, sent.map(requestIdOf), (error) => errorBody(toApiError(error), ''))
}

function parse(sent: unknown, index: number): Parsed {
  try {
    checkReport(sent)
    const item = sent as Report
    return { ok: true, leaseId: item.lease_id, report: usageReportOf(item) }
  } catch (error) {
    const refused = toApiError(error)
    if (refused.status !== 400) throw error
    return { ok: false, error: inPlace(refused, index) }
  }
}

/** `cost_usd` of the fourth item is `reports[3].cost_usd` (http-api 1.5). */
function inPlace(error: ApiError, index: number): ApiError {
  const fields = (error.details?.['fields'] ?? {}) as Record<string, string>
  const place = `reports[${String(index)}]`
  const named = Object.entries(fields).map(([path, text]) => [path === '$' ? place : `${place}.${path}`, text])
  return new ApiError(error.code, error.message, {
    details: { fields: Object.fromEntries(named) as Record<string, string> },
  })
}

function requestIdOf(sent: unknown): string | null {
  const id = typeof sent === 'object' && sent !== null && 'request_id' in sent ? sent.request_id : null
  return typeof id === 'string' ? id : null
}
