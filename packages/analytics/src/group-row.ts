import type { Microdollars } from '@iron/cost-calculator'
import type { Paged } from '@iron/database'
import { type CallSums, type UsageTotals, usageTotalsOf } from '@iron/journal'
import type { Dimension } from './dimension.ts'
import { averageCost, averageCount, percentOf } from './rounding.ts'

/** One group of calls. */
export interface GroupRow extends UsageTotals {
  /** An id, a provider, a model, a project label, or an ISO date of a UTC day. Null: the calls that have none. */
  readonly key: string | null
  /** The name of an agent, token or owner, also when archived, revoked or deleted; null when it has none. */
  readonly label: string | null
  /** Of the group, by `model` and `provider`. */
  readonly provider: string | null
  /** An agent's allocation of today, whatever the period; 0 without a budget. Null by anything but `agent`. */
  readonly allocated: Microdollars | null
  /** `cost` in percent of `allocated`, 2 decimals, 0 without allocation. Null by anything but `agent`. */
  readonly percentUsed: number | null
  /** Rounded up. */
  readonly avgCostPerRequest: Microdollars
  /** Rounded half up. */
  readonly avgTokensPerRequest: number
}

/** What all groups are together. */
export interface GroupTotals extends Omit<GroupRow, 'key' | 'label' | 'provider'> {
  readonly groups: number
}

/** A page of groups. `totals` covers all of them, not the page. */
export interface Grouped extends Paged<GroupRow> {
  readonly totals: GroupTotals
}

/** A row of groups as it is read: that of all groups stands at place 0. */
export interface GroupRecord extends CallSums {
  readonly place: number
  readonly group_key: string | number | null
  readonly group_provider: string | null
  readonly label: string | null
  readonly group_count: number
  readonly allocated: Microdollars | null
  /** What the allocation is held against: the cost of groups with a key. */
  readonly keyed_cost: number
}

/** The group a row tells of. */
export function groupRowOf(record: GroupRecord, dimension: Dimension): GroupRow {
  const { group_key: key, label, group_provider: provider } = record
  return Object.freeze({
    key: typeof key === 'number' ? isoDay(key) : key,
    label,
    provider,
    ...figuresOf(record, dimension === 'agent' && key !== null),
  })
}

/** What the row of all groups tells. */
export function groupTotalsOf(record: GroupRecord, dimension: Dimension): GroupTotals {
  return Object.freeze({ groups: record.group_count, ...figuresOf(record, dimension === 'agent') })
}

function figuresOf(record: GroupRecord, hasAllocation: boolean): Omit<GroupRow, 'key' | 'label' | 'provider'> {
  const usage = usageTotalsOf(record)
  const allocated = hasAllocation ? ((record.allocated ?? 0) as Microdollars) : null
  return {
    ...usage,
    allocated,
    percentUsed: allocated === null ? null : percentOf(record.keyed_cost, allocated),
    avgCostPerRequest: averageCost(usage.cost, usage.requests),
    avgTokensPerRequest: averageCount(usage.totalTokens, usage.requests),
  }
}

/** The date of a UTC day. */
function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 'YYYY-MM-DD'.length)
}
