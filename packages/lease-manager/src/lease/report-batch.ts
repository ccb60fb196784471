/**
 * Books many calls in one transaction, in their order and with the outcome that each would have as a message of its own: a bad item
 * affects no other (budget protocol 4.5).
 */
import { CostError } from '@iron/cost-calculator'
import type { InTx, WriteTx } from '@iron/database'
import { LeaseError } from '../errors.ts'
import { BatchAccount, type Conclude } from './batch-account.ts'
import type { LeaseContext, PricingContext } from './context.ts'
import { leaseNotFound } from './grant.ts'
import { agentsOfLeases } from './find-leases.ts'
import { type ReadyReport, readyReport, type ReportOptions, type ReportResult, type UsageReport } from './report.ts'

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

export interface BatchOptions extends InTx, Pick<ReportOptions, 'actor'> {
  /** Every lease must be this agent's. Default: whoever's each is. */
  readonly agentId?: string | undefined
}

type ReadyItem = { readonly ready: ReadyReport } | { readonly refused: BatchItem<never> }

/** In the place of an item that is nothing: what is missing of it is named. */
const noItem = {} as ReportItem

/** Checks and prices the items; a faulty one is refused and the others go on. */
export function readyBatch(
  context: PricingContext,
  items: readonly ReportItem[],
  { actor }: Pick<ReportOptions, 'actor'>,
): readonly ReadyItem[] {
  return items.map((item) => {
    try {
      const { leaseId, report, priceProvider } = (item as ReportItem | null | undefined) ?? noItem
      return { ready: readyReport(context, leaseId, report, { priceProvider, actor }) }
    } catch (error) {
      return { refused: refusedItem(error) }
    }
  })
}

/** A failure that is no fault of an item is thrown: then the transaction must be undone. */
export async function bookBatch(
  tx: WriteTx,
  context: LeaseContext,
  items: readonly ReadyItem[],
  agentId: string | undefined,
): Promise<readonly BatchItem<ReportResult>[]> {
  const ready = items.flatMap((item) => ('ready' in item ? [item.ready] : []))
  const agents = agentId === undefined ? await agentsOfLeases(tx, leaseIds(ready)) : undefined
  const agentOf = ({ leaseId }: ReadyReport): string | undefined => agentId ?? agents?.get(leaseId)
  const accounts = await openAccounts(tx, context, Map.groupBy(ready, agentOf))

  const decided: (Conclude | BatchItem<never>)[] = []
  for (const item of items) {
    decided.push('refused' in item ? item.refused : await decideItem(accounts.get(agentOf(item.ready)), item.ready))
  }
  for (const account of accounts.values()) await account.write()
  const results: BatchItem<ReportResult>[] = []
  for (const one of decided) {
    results.push(typeof one === 'function' ? Object.freeze({ ok: true, result: await one() }) : one)
  }
  return Object.freeze(results)
}

function leaseIds(ready: readonly ReadyReport[]): readonly string[] {
  return [...new Set(ready.map(({ leaseId }) => leaseId))]
}

/** The agents' locks are taken up front and in one order (budget protocol 12.1). */
async function openAccounts(
  tx: WriteTx,
  context: LeaseContext,
  reports: ReadonlyMap<string | undefined, readonly ReadyReport[]>,
): Promise<ReadonlyMap<string | undefined, BatchAccount>> {
  const accounts = new Map<string | undefined, BatchAccount>()
  const agents = [...reports].flatMap(([agent, own]) => (agent === undefined ? [] : [{ agent, own }]))
  for (const { agent, own } of agents.sort((a, b) => (a.agent < b.agent ? -1 : 1))) {
    const account = await BatchAccount.open(tx, context, agent, own)
    if (account !== undefined) accounts.set(agent, account)
  }
  return accounts
}

async function decideItem(account: BatchAccount | undefined, ready: ReadyReport): Promise<Conclude | BatchItem<never>> {
  try {
    if (account === undefined) throw leaseNotFound()
    return await account.decide(ready)
  } catch (error) {
    return refusedItem(error)
  }
}

/** @throws whatever is not a fault of the item */
function refusedItem(error: unknown): BatchItem<never> {
  if (!(error instanceof LeaseError) && !(error instanceof CostError)) throw error
  const { code, message, details } = error
  return Object.freeze({ ok: false, error: Object.freeze({ code, message, details }) })
}
