/**
 * Calls made with an API token: a row of the call log and the counters of the owner and the project, in one transaction. What
 * has happened is always recorded and counted; whether it may happen is a question asked before.
 */
import { type CostCalculator, countsOf, type Usage } from '@iron/cost-calculator'
import type { Clock, ReadTx, WriteTx } from '@iron/database'
import { type CallFacts, hasUsage, JournalError, priceCall, type PricedCall, type RequestLog } from '@iron/journal'
import { TokenManagerError } from '../errors.ts'
import type { LimitEnforcer } from '../limit-enforcer.ts'
import type { LimitNeed, LimitSubject } from '../limits/limit.ts'
import type { ProviderCatalog } from '../provider-catalog.ts'
import { ownerLock } from '../users/account-locks.ts'
import { checkedFacts } from './check-usage-facts.ts'
import type { ApiTokenPrincipal } from './token.ts'
import type { UsageCheck, UsageReceipt } from './usage.ts'

/** What recording and checking work with. */
export interface UsageBooks {
  readonly requests: RequestLog
  readonly limits: LimitEnforcer
  readonly providers: ProviderCatalog
  /** Asked only when a call has to be priced: a price book takes a while to make. */
  readonly pricing: () => CostCalculator
  readonly clock: Clock
}

/** A call that has been checked and priced, before any transaction. */
export interface ReadyUsage {
  readonly facts: CallFacts
  readonly priced: PricedCall
}

/** @throws {TokenManagerError} VALIDATION_ERROR */
export async function readyUsage(given: CallFacts, books: UsageBooks): Promise<ReadyUsage> {
  const facts = checkedFacts(given)
  // The kind of a provider of the catalogue decides the price, else the text itself (budget protocol 8.2).
  const isPriced = facts.cost === undefined && facts.provider !== undefined && hasUsage(facts)
  const known = isPriced ? await books.providers.resolve(facts.provider) : undefined
  const options = { pricing: books.pricing, now: books.clock.now(), provider: known?.kind }
  return { facts, priced: await translated(async () => priceCall(facts, options)) }
}

/**
 * Records a call, unless it is known already. Its row and its counts commit together; the owner's lock is shared, so that
 * calls do not wait for each other, only for changes of the limits.
 *
 * @throws {TokenManagerError} IDEMPOTENCY_CONFLICT: this request id was recorded with other content
 */
export async function recordUsage(
  tx: WriteTx,
  token: ApiTokenPrincipal,
  { facts, priced }: ReadyUsage,
  { requests, limits }: UsageBooks,
): Promise<UsageReceipt> {
  await tx.lock(ownerLock(token.userId), { shared: true })
  const told = { ...facts, ...priced, tokenId: token.tokenId, billed: true }
  const { call, duplicate } = await translated(() => requests.record(told, { tx }))
  const subject = subjectOf(token)
  const exceeded = duplicate
    ? await limits.check(subject, {}, { tx })
    : await limits.record(subject, { tokens: call.totalTokens, requests: 1, cost: call.cost }, { tx })
  return Object.freeze({ call, duplicate, exceeded })
}

/**
 * What recording a call would report now. A repeat of a recorded call would count nothing, so it only has to ask what is
 * passed already (LIM-20).
 *
 * @throws {TokenManagerError} IDEMPOTENCY_CONFLICT, as recording would
 */
export async function checkUsage(
  tx: ReadTx,
  token: ApiTokenPrincipal,
  { facts, priced }: ReadyUsage,
  { requests, limits }: UsageBooks,
): Promise<UsageCheck> {
  const first = await translated(() => requests.billed({ tokenId: token.tokenId }, facts, { tx }))
  const need: LimitNeed = first === undefined ? { tokens: tokensOf(facts.usage), requests: 1, cost: priced.cost } : {}
  const exceeded = await limits.check(subjectOf(token), need, { tx })
  const { cost, pricing } = first ?? priced
  return Object.freeze({ allowed: exceeded === null, cost, pricing, exceeded })
}

function subjectOf(token: ApiTokenPrincipal): LimitSubject {
  return { ownerId: token.userId, projectId: token.projectId ?? undefined }
}

/** As the call log adds them up. */
function tokensOf(usage: Usage | undefined): number {
  return usage === undefined ? 0 : (countsOf(usage).totalTokens ?? 0)
}

/** Refusals of the call log are refusals of this package. */
async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    if (error.code !== 'VALIDATION_ERROR' && error.code !== 'IDEMPOTENCY_CONFLICT') throw error
    throw new TokenManagerError(error.code, error.message, { details: error.details, cause: error })
  }
}
