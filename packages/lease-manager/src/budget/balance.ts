/** The figures a person sees, derived from the row that decides (MON-23): available, percent, status and risk. */
import { type Amounts, type Microdollars, minus, toUsd, ZERO } from '@iron/cost-calculator'
import type { JsonObject } from '@iron/database'
import { available, type Stored } from '../ledger/movement.ts'
import { highestMet, type Mark } from './threshold.ts'

/** The accounts of an agent. `available` may be negative: then overruns exceed what was left. */
export type Balances = Amounts<'allocated' | 'spent' | 'reserved' | 'available'>

/** Balances as they are shown: what is left and what is overdrawn apart, and the percentage used. */
export interface Balance extends Balances, Amounts<'remaining' | 'overdrawn'> {
  /** Spent of allocated, two decimals, half up; 100 when something was spent of nothing (http-api 4.4). */
  readonly percentUsed: number
}

/** Balances of many agents together, in microdollars: they may exceed what one amount can. */
export interface BalanceSum extends Readonly<Record<Exclude<keyof Balance, 'percentUsed'>, bigint>> {
  /** As of one {@link Balance}. */
  readonly percentUsed: number
}

/** How close spending is to the allocation: below 50, 80, 90, 100 percent, or beyond (http-api 4.4). */
export type RiskLevel = 'low' | 'medium' | 'high' | 'critical' | 'exhausted'

/** `unfunded`: nothing allocated and nothing spent. `exhausted`: all spent. */
export type BudgetStatus = 'unfunded' | 'active' | 'exhausted'

export const BUDGET_STATUSES: readonly BudgetStatus[] = ['unfunded', 'active', 'exhausted']
export const RISK_LEVELS: readonly RiskLevel[] = ['low', 'medium', 'high', 'critical', 'exhausted']

/** Above this a percentage is computed with BigInt: 20 000 times the amount must stay exact. */
const EXACT_PRODUCT_MAX = Math.floor(Number.MAX_SAFE_INTEGER / 20_001)

/** Spent / allocated × 100, rounded half up to two decimals. */
export function percentUsed(allocated: Microdollars | bigint, spent: Microdollars | bigint): number {
  if (Number(allocated) === 0) return Number(spent) === 0 ? 0 : 100
  if (typeof spent === 'number' && typeof allocated === 'number' && Math.max(spent, allocated) <= EXACT_PRODUCT_MAX) {
    return Math.floor((spent * 20_000 + allocated) / (2 * allocated)) / 100
  }
  return Number((BigInt(spent) * 20_000n + BigInt(allocated)) / (2n * BigInt(allocated))) / 100
}

export function balancesOf(stored: Stored): Balances {
  const { allocated, reserved, spent } = stored
  return { allocated, spent, reserved, available: available(stored) }
}

export function balanceOf(stored: Stored): Balance {
  const balances = balancesOf(stored)
  const left = balances.available
  return {
    ...balances,
    remaining: left > 0 ? left : ZERO,
    overdrawn: left < 0 ? minus(ZERO, left) : ZERO,
    percentUsed: percentUsed(stored.allocated, stored.spent),
  }
}

export function statusOf({ allocated, spent }: Stored): BudgetStatus {
  if (allocated === 0 && spent === 0) return 'unfunded'
  return spent >= allocated ? 'exhausted' : 'active'
}

const RISK_OF: Readonly<Record<Mark, RiskLevel>> = {
  0: 'low',
  50: 'medium',
  80: 'high',
  90: 'critical',
  100: 'exhausted',
}

/** Judged by the exact figures, like thresholds, and not by the rounded percentage. */
export function riskLevelOf(stored: Stored): RiskLevel {
  if (stored.allocated === 0 && stored.spent > 0) return 'exhausted'
  return RISK_OF[highestMet(stored)]
}

/** The Balance object of events and error details (http-api 4.4). */
export function balanceOnWire(stored: Stored): JsonObject {
  const balance = balanceOf(stored)
  return {
    allocated_usd: toUsd(balance.allocated),
    spent_usd: toUsd(balance.spent),
    reserved_usd: toUsd(balance.reserved),
    remaining_usd: toUsd(balance.remaining),
    overdrawn_usd: toUsd(balance.overdrawn),
    percent_used: balance.percentUsed,
  }
}
