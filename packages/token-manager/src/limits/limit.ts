import { MAX_AMOUNT, type Microdollars, toUsd, ZERO } from '@iron/cost-calculator'
import { type EpochMs, Faults } from '@iron/database'
import { refuseFaults } from '../errors.ts'
import { type LimitWindow, windowEnds } from './windows.ts'

/** The three maxima of a limit: null = unlimited, 0 = nothing allowed. */
export interface LimitMaxima {
  readonly maxTokensPerDay?: number | null | undefined
  readonly maxRequestsPerMinute?: number | null | undefined
  readonly maxCostPerMonth?: Microdollars | null | undefined
}

/** Whose usage: the owner's as a whole, or also that under a project label. */
export interface LimitSubject {
  readonly ownerId: string
  /** 1..100 code points. */
  readonly projectId?: string | undefined
}

/** What is about to be used, or was. Absent = 0. */
export interface LimitNeed {
  readonly tokens?: number | undefined
  readonly requests?: number | undefined
  readonly cost?: Microdollars | undefined
}

/** A limit and what has been used of it in the running windows. */
export interface UsageLimit {
  readonly id: string
  readonly ownerId: string
  /** Null: the general row, which covers everything the owner uses. */
  readonly projectId: string | null
  readonly maxTokensPerDay: number | null
  readonly maxRequestsPerMinute: number | null
  readonly maxCostPerMonth: Microdollars | null
  readonly usage: {
    readonly tokensToday: number
    readonly requestsThisMinute: number
    readonly costThisMonth: Microdollars
    /** Lent to the owner's agents; 0 on a row with a label. */
    readonly reserved: Microdollars
  }
  /** Epoch ms. */
  readonly resetsAt: { readonly minute: number; readonly day: number; readonly month: number }
  readonly createdAt: number
  readonly updatedAt: number
}

/** The first window that is passed. `limit` and `used`: tokens, requests, or microdollars with lent money included. */
export interface Exceeded {
  readonly limitId: string
  readonly window: LimitWindow
  readonly limit: number
  readonly used: number
  /** Epoch ms. */
  readonly resetsAt: number
}

/** What an owner's general limit leaves for a grant. */
export interface LimitRoom {
  /** Of the month; null = unlimited, may be negative. */
  readonly left: Microdollars | null
  /** The day's tokens or the minute's requests are used up. */
  readonly blocked: boolean
  /** The first window that is used up. */
  readonly exceeded: Exceeded | null
}

/** Longest project label, in code points (http-api 4.13). */
const PROJECT_MAX = 100

/** The label as it is stored and counted: the same text typed on two systems is one label. */
export function labelled<Subject extends { readonly projectId?: string | undefined }>(subject: Subject): Subject {
  const { projectId } = subject
  return typeof projectId === 'string' ? { ...subject, projectId: projectId.normalize('NFC') } : subject
}

/** @throws {TokenManagerError} VALIDATION_ERROR */
export function checkSubject(faults: Faults, subject: LimitSubject): void {
  faults.id('ownerId', subject.ownerId)
  if (subject.projectId !== undefined) faults.text('projectId', subject.projectId, { max: PROJECT_MAX })
}

/** @throws {TokenManagerError} VALIDATION_ERROR */
export function checkNeed(subject: LimitSubject, need: LimitNeed): void {
  const faults = new Faults()
  checkSubject(faults, subject)
  faults.integer('tokens', need.tokens ?? 0, 0)
  faults.integer('requests', need.requests ?? 0, 0)
  faults.integer('cost', need.cost ?? 0, 0)
  refuseFaults(faults)
}

/** @throws {TokenManagerError} VALIDATION_ERROR; a new limit without any maximum limits nothing */
export function checkNewLimit(limit: LimitSubject & LimitMaxima): void {
  const faults = new Faults()
  checkSubject(faults, limit)
  checkMaxima(faults, limit)
  const any = [limit.maxTokensPerDay, limit.maxRequestsPerMinute, limit.maxCostPerMonth].some(
    (max) => (max ?? null) !== null,
  )
  faults.check(any, '$', 'must set at least one maximum')
  refuseFaults(faults)
}

/** @throws {TokenManagerError} VALIDATION_ERROR, also for a change of nothing (VAL-05) */
export function checkLimitChange(change: LimitMaxima): void {
  const faults = new Faults()
  checkMaxima(faults, change)
  const given = [change.maxTokensPerDay, change.maxRequestsPerMinute, change.maxCostPerMonth].some(
    (max) => max !== undefined,
  )
  faults.check(given, '$', 'must change something')
  refuseFaults(faults)
}

function checkMaxima(faults: Faults, maxima: LimitMaxima): void {
  faults.integer('maxTokensPerDay', maxima.maxTokensPerDay ?? 0, 0)
  faults.integer('maxRequestsPerMinute', maxima.maxRequestsPerMinute ?? 0, 0)
  faults.integer('maxCostPerMonth', maxima.maxCostPerMonth ?? 0, 0, MAX_AMOUNT)
}

/** A limit as read together with its usage. Counters that do not exist yet are null. */
export interface LimitRow {
  readonly id: string
  readonly owner_id: string
  readonly project_id: string | null
  readonly max_tokens_per_day: number | null
  readonly max_requests_per_minute: number | null
  readonly max_cost_per_month_micros: Microdollars | null
  readonly created_at: EpochMs
  readonly updated_at: EpochMs
  readonly tokens: number | null
  readonly requests: number | null
  readonly cost: number | null
  readonly reserved: number | null
}

export function toUsageLimit(row: LimitRow, nowMs: number): UsageLimit {
  const ends = windowEnds(nowMs)
  return Object.freeze({
    id: row.id,
    ownerId: row.owner_id,
    projectId: row.project_id,
    maxTokensPerDay: row.max_tokens_per_day,
    maxRequestsPerMinute: row.max_requests_per_minute,
    maxCostPerMonth: row.max_cost_per_month_micros,
    usage: Object.freeze({
      tokensToday: row.tokens ?? 0,
      requestsThisMinute: row.requests ?? 0,
      costThisMonth: (row.cost ?? ZERO) as Microdollars,
      reserved: heldOn(row),
    }),
    resetsAt: Object.freeze({
      minute: ends.requests_per_minute,
      day: ends.tokens_per_day,
      month: ends.cost_per_month,
    }),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  })
}

/** Money lent out counts on the general row only: leases carry no label (budget protocol 9). */
export function heldOn(row: LimitRow): Microdollars {
  return (row.project_id === null ? (row.reserved ?? ZERO) : ZERO) as Microdollars
}

/** The maxima in an audit entry: wire names and USD. */
export function auditedMaxima(row: LimitRow): Record<string, number | null> {
  const cost = row.max_cost_per_month_micros
  return {
    max_tokens_per_day: row.max_tokens_per_day,
    max_requests_per_minute: row.max_requests_per_minute,
    max_cost_per_month_usd: cost === null ? null : toUsd(cost),
  }
}
