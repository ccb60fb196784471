/** Books many calls in one transaction, each in its own savepoint: a bad item affects no other (budget protocol 4.5). */
import { CostError } from '@iron/cost-calculator'
import type { InTx, WriteTx } from '@iron/database'
import { lockBudget } from '../budget/budget-row.ts'
import { LeaseError } from '../errors.ts'
import type { LeaseContext, PricingContext } from './context.ts'
import { agentOfLease } from './lease-row.ts'
import { bookReport, type ReadyReport, readyReport, type ReportResult, type UsageReport } from './report.ts'

/** Reports one batch may hold (http-api 4.9.6). */
export const BATCH_MAX = 1_000

/** One report of a batch. */
export interface ReportItem {
  readonly leaseId: string
  readonly report: UsageReport
  readonly priceProvider?: string | undefined
}

/** The result of one item, or why it was refused. */
export type BatchItem<R> =
  | { readonly ok: true; readonly result: R }
  | {
      readonly ok: false
      readonly error: {
        readonly code: string
        readonly message: string
        readonly details: Readonly<Record<string, unknown>>
      }
    }

export interface BatchOptions extends InTx {
  /** Every lease must be this agent's. Default: whoever's each is. */
  readonly agentId?: string | undefined
}

type ReadyItem = { readonly ready: ReadyReport } | { readonly refused: BatchItem<never> }

/** Checks and prices the items; a faulty one is refused and the others go on. */
export function readyBatch(context: PricingContext, items: readonly ReportItem[]): readonly ReadyItem[] {
  return items.map((item) => {
    try {
      return { ready: readyReport(context, item.leaseId, item.report, item.priceProvider) }
    } catch (error) {
      return { refused: refusedItem(error) }
    }
  })
}

export async function bookBatch(
  tx: WriteTx,
  context: LeaseContext,
  items: readonly ReadyItem[],
  agentId: string | undefined,
): Promise<BatchItem<ReportResult>[]> {
  await lockAll(tx, context, items, agentId)
  const results: BatchItem<ReportResult>[] = []
  for (const item of items)
    results.push('refused' in item ? item.refused : await bookItem(tx, context, item.ready, agentId))
  return results
}

/** A refusal leaves its savepoint standing, for it wrote nothing but overdue leases ended; any other failure undoes the item. */
async function bookItem(
  tx: WriteTx,
  context: LeaseContext,
  ready: ReadyReport,
  agentId: string | undefined,
): Promise<BatchItem<ReportResult>> {
  try {
    return await tx.savepoint(async (inner) => {
      try {
        return Object.freeze({ ok: true, result: await bookReport(inner, context, ready, agentId) })
      } catch (error) {
        if (error instanceof LeaseError) return refusedItem(error)
        throw error
      }
    })
  } catch (error) {
    return refusedItem(error)
  }
}

/** @throws whatever is not a fault of the item: then the whole batch is repeated */
function refusedItem(error: unknown): BatchItem<never> {
  if (!(error instanceof LeaseError) && !(error instanceof CostError)) throw error
  const { code, message, details } = error
  return Object.freeze({ ok: false, error: Object.freeze({ code, message, details }) })
}

/** Items of several agents: their locks are taken up front and in one order (budget protocol 12.1). */
async function lockAll(
  tx: WriteTx,
  context: LeaseContext,
  items: readonly ReadyItem[],
  agentId: string | undefined,
): Promise<void> {
  if (agentId !== undefined || tx.dialect === 'sqlite') return
  const agents = new Set<string>()
  for (const item of items) {
    const agent = 'ready' in item ? await agentOfLease(tx, item.ready.leaseId) : undefined
    if (agent !== undefined) agents.add(agent)
  }
  for (const agent of [...agents].sort((a, b) => (a < b ? -1 : 1))) await lockBudget(tx, agent, context.clock)
}
