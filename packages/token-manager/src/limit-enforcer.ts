/**
 * Usage limits of owners and the counters behind them. Usage is counted whether or not a limit exists, and a fact is always
 * counted; only what has not happened yet can be refused (budget protocol 9).
 */
import {
  type AtTx,
  type DbSource,
  type InTx,
  type IronDatabase,
  type Page,
  type Paged,
  pageSlice,
  pageWindow,
  type Prune,
  type ReadTx,
  type ServiceOptions,
  type WriteTx,
} from '@iron/database'
import type { ActorRef, AuditInput } from '@iron/journal'
import { AuditedService } from './audited-service.ts'
import { checkPrune } from './check-prune.ts'
import { difference } from './difference.ts'
import { TokenManagerError } from './errors.ts'
import { counterQueue } from './limits/counter-queue.ts'
import { counterSteps } from './limits/counter-steps.ts'
import { decideExceeded, decideRoom } from './limits/decide-exceeded.ts'
import {
  auditedMaxima,
  checkLimitChange,
  checkNeed,
  checkNewLimit,
  type Exceeded,
  labelled,
  type LimitMaxima,
  type LimitNeed,
  type LimitRoom,
  type LimitRow,
  type LimitSubject,
  toUsageLimit,
  type UsageLimit,
} from './limits/limit.ts'
import { limitsOf, raiseCounters, selectLimits, withReserved } from './limits/statements.ts'
import { keptSince, LIMIT_WINDOWS, windowStarts } from './limits/windows.ts'
import { ownerLock } from './users/account-locks.ts'
import { requireOwner } from './users/provision-owner.ts'

/** Options of {@link LimitEnforcer}. */
export interface LimitEnforcerOptions extends ServiceOptions {
  /** Whether `create` makes a user of an unknown owner. Default: true for a path or URL, false for an open handle. */
  readonly provisionOwners?: boolean | undefined
}

/** Usage limits of owners, and the counting of what they use. */
export class LimitEnforcer extends AuditedService {
  readonly #provisionOwners: boolean

  constructor(source: DbSource, options: LimitEnforcerOptions = {}) {
    super(source, options)
    this.#provisionOwners = options.provisionOwners ?? this.opensItself
  }

  /**
   * Sets a limit for an owner, or for an owner under a project label. What was used in the running windows counts at once.
   * Audited as `LIMIT_CREATED`.
   *
   * @throws {TokenManagerError} VALIDATION_ERROR, USER_NOT_FOUND; DUPLICATE_LIMIT (`details.existing_id`)
   */
  async create(given: LimitSubject & LimitMaxima, actor: ActorRef, options: InTx = {}): Promise<UsageLimit> {
    checkNewLimit(given)
    const limit = labelled(given)
    return this.write(async (tx, db) => {
      const nowMs = this.clock.now()
      await lockOwner(tx, limit.ownerId)
      const provision = { provision: this.#provisionOwners, audit: this.auditOf(db), nowMs }
      await requireOwner(tx, limit.ownerId, actor, provision)
      const id = this.idsOf(db).next('lim')
      const projectId = limit.projectId ?? null
      const inserted = await tx.sql
        .insertInto('limits')
        .values({
          id,
          owner_id: limit.ownerId,
          project_id: projectId,
          max_tokens_per_day: limit.maxTokensPerDay ?? null,
          max_requests_per_minute: limit.maxRequestsPerMinute ?? null,
          max_cost_per_month_micros: limit.maxCostPerMonth ?? null,
          created_at: nowMs,
          updated_at: nowMs,
        })
        .onConflict((conflict) =>
          projectId === null
            ? conflict.column('owner_id').where('project_id', 'is', null).doNothing()
            : conflict.columns(['owner_id', 'project_id']).where('project_id', 'is not', null).doNothing(),
        )
        .returning('id')
        .executeTakeFirst()
      if (inserted === undefined) {
        const rows = await limitsOf.all(tx, { ownerId: limit.ownerId, projectId, ...instants(nowMs) })
        const details = { existing_id: rows.find((row) => row.project_id === projectId)?.id }
        throw new TokenManagerError('DUPLICATE_LIMIT', 'there is a limit for this owner and label', { details })
      }
      const row = await required(tx, id, nowMs)
      const after = { user_id: row.owner_id, project_id: row.project_id, ...auditedMaxima(row) }
      this.#record(tx, db, entry('LIMIT_CREATED', id, actor, { after }))
      return toUsageLimit(row, nowMs)
    }, options)
  }

  /**
   * Changes the maxima that are given; null lifts one. What was used stays counted (LIM-14). Audited as `LIMIT_UPDATED` if
   * anything changed.
   *
   * @throws {TokenManagerError} VALIDATION_ERROR, LIMIT_NOT_FOUND
   */
  async update(id: string, change: LimitMaxima, actor: ActorRef, options: InTx = {}): Promise<UsageLimit> {
    checkLimitChange(change)
    return this.write(async (tx, db) => {
      const nowMs = this.clock.now()
      const before = await lockedLimit(tx, id, nowMs)
      const values = {
        max_tokens_per_day: changed(change.maxTokensPerDay, before.max_tokens_per_day),
        max_requests_per_minute: changed(change.maxRequestsPerMinute, before.max_requests_per_minute),
        max_cost_per_month_micros: changed(change.maxCostPerMonth, before.max_cost_per_month_micros),
      }
      const after: LimitRow = { ...before, ...values, updated_at: nowMs }
      const changes = difference(auditedMaxima(before), auditedMaxima(after))
      if (changes === undefined) return toUsageLimit(before, nowMs)
      await tx.sql
        .updateTable('limits')
        .set({ ...values, updated_at: nowMs })
        .where('id', '=', id)
        .execute()
      this.#record(tx, db, entry('LIMIT_UPDATED', id, actor, changes))
      return toUsageLimit(after, nowMs)
    }, options)
  }

  /**
   * Lifts a limit; its counters stay. Audited as `LIMIT_DELETED`.
   *
   * @throws {TokenManagerError} LIMIT_NOT_FOUND
   */
  delete(id: string, actor: ActorRef, options: InTx = {}): Promise<void> {
    return this.write(async (tx, db) => {
      const row = await lockedLimit(tx, id, this.clock.now())
      await tx.sql.deleteFrom('limits').where('id', '=', id).execute()
      const before = { user_id: row.owner_id, project_id: row.project_id, ...auditedMaxima(row) }
      this.#record(tx, db, entry('LIMIT_DELETED', id, actor, { before }))
    }, options)
  }

  /** A limit by id, with its usage now. */
  get(id: string, options: AtTx = {}): Promise<UsageLimit | undefined> {
    return this.read(async (tx) => {
      const nowMs = this.clock.now()
      const row = await limitById(tx, id, nowMs)
      return row === undefined ? undefined : toUsageLimit(row, nowMs)
    }, options)
  }

  /** Limits with their usage now. Sorts: `createdAt` (default, newest first). */
  async list(
    filter: { readonly [Field in keyof LimitSubject]?: string | undefined } = {},
    options: Page & AtTx = {},
  ): Promise<Paged<UsageLimit>> {
    const window = pageWindow(options, { createdAt: 'limits.created_at' } as const)
    const { page, perPage, column } = window
    return this.read(async (tx) => {
      const nowMs = this.clock.now()
      const matching = matchingLimits(tx, labelled(filter))
      const { total } = await matching.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      const { limit, offset, direction } = pageSlice(window, total)
      const ids = matching
        .select('limits.id')
        .orderBy(column, direction)
        .orderBy('limits.id', direction)
        .limit(limit)
        .offset(offset)
      const rows = await selectLimits(tx.sql, windowStarts(nowMs))
        .where('limits.id', 'in', ids)
        .orderBy(column, window.direction)
        .orderBy('limits.id', window.direction)
        .execute()
      const limits = (await withReserved(tx, rows)).map((row) => toUsageLimit(row, nowMs))
      return Object.freeze({ data: Object.freeze(limits), page, perPage, total })
    }, options)
  }

  /**
   * Whether a use would stay within all limits; counts nothing.
   *
   * @returns null, or the first window it would pass
   * @throws {TokenManagerError} VALIDATION_ERROR
   */
  async check(given: LimitSubject, need: LimitNeed, options: AtTx = {}): Promise<Exceeded | null> {
    checkNeed(given, need)
    const subject = labelled(given)
    return this.read((tx) => exceededBy(tx, subject, need, this.clock.now()), { tx: options.tx, lookup: true })
  }

  /**
   * Counts a use if it stays within all limits: check and count are one step, so parallel callers never pass a limit
   * (LIM-15). Inside a transaction it takes the owner's lock.
   *
   * @returns null when it was counted, else the first window it would pass
   * @throws {TokenManagerError} VALIDATION_ERROR
   */
  async consume(given: LimitSubject, need: LimitNeed, options: InTx = {}): Promise<Exceeded | null> {
    checkNeed(given, need)
    const subject = labelled(given)
    return this.write(
      async (tx) => {
        await lockOwner(tx, subject.ownerId)
        const nowMs = this.clock.now()
        const refused = await exceededBy(tx, subject, need, nowMs)
        const steps = counterSteps(subject, need, nowMs)
        if (refused === null && steps.length > 0) await raiseCounters(tx, subject.ownerId, steps)
        return refused
      },
      { tx: options.tx, group: true },
    )
  }

  /**
   * Counts a use that has happened; never refused. Inside a transaction the caller holds the owner's lock, shared or not
   * (budget protocol 12.1).
   *
   * @returns the first window that is passed now, or null
   * @throws {TokenManagerError} VALIDATION_ERROR
   */
  async record(given: LimitSubject, need: LimitNeed, options: InTx = {}): Promise<Exceeded | null> {
    checkNeed(given, need)
    const subject = labelled(given)
    return this.write(
      async (tx) => {
        if (options.tx === undefined) await tx.lock(ownerLock(subject.ownerId), { shared: true })
        const nowMs = this.clock.now()
        const steps = counterSteps(subject, need, nowMs)
        const limited = steps.length === 0 || (await raiseCounters(tx, subject.ownerId, steps))
        if (!limited && subject.projectId === undefined) return null
        return exceededBy(tx, subject, {}, nowMs)
      },
      { tx: options.tx, group: true },
    )
  }

  /**
   * Counts a use that has happened as one of the last statements of the transaction, together with every other use told in it: for
   * callers who hold the owner's lock, shared or not, and do not ask what is exceeded.
   *
   * @throws {TokenManagerError} VALIDATION_ERROR
   */
  recordLater(given: LimitSubject, need: LimitNeed, options: { readonly tx: WriteTx }): void {
    checkNeed(given, need)
    const subject = labelled(given)
    for (const step of counterSteps(subject, need, this.clock.now())) {
      options.tx.defer(counterQueue, { ownerId: subject.ownerId, ...step })
    }
  }

  /** What the owner's general limit leaves for a grant, money lent out included. One statement. */
  async room(ownerId: string, options: AtTx = {}): Promise<LimitRoom> {
    return this.read(
      async (tx) => {
        const nowMs = this.clock.now()
        return decideRoom(await limitsOf.first(tx, { ownerId, projectId: null, ...instants(nowMs) }), nowMs)
      },
      { tx: options.tx, lookup: true },
    )
  }

  /**
   * Deletes counters of windows that began before `olderThan` and are past their retention: minutes 2 days, days 90 days,
   * months 25 months.
   *
   * @returns how many, at most `limit` (default 5000)
   * @throws {TokenManagerError} VALIDATION_ERROR
   */
  async prune(options: Parameters<Prune>[0]): Promise<number> {
    const { olderThan, limit } = checkPrune(options)
    const kept = keptSince(this.clock.now())
    return this.write(async (tx) => {
      const result = await tx.sql
        .deleteFrom('limit_counters')
        .where(
          (eb) => eb.refTuple('owner_id', 'project_id', 'metric', 'window_start'),
          'in',
          (eb) =>
            eb
              .selectFrom('limit_counters')
              .select(['owner_id', 'project_id', 'metric', 'window_start'])
              .where((old) =>
                old.or(
                  LIMIT_WINDOWS.map((metric) =>
                    old.and([old('metric', '=', metric), old('window_start', '<', Math.min(olderThan, kept[metric]))]),
                  ),
                ),
              )
              .limit(limit)
              .$asTuple('owner_id', 'project_id', 'metric', 'window_start'),
        )
        .executeTakeFirst()
      return Number(result.numDeletedRows)
    })
  }

  #record(tx: WriteTx, db: IronDatabase, audited: AuditInput): void {
    this.auditOf(db).defer(audited, { tx })
  }
}

/** Edits of limits and uses that may be refused exclude each other and every grant of the owner (budget protocol 12.1). */
async function lockOwner(tx: WriteTx, ownerId: string): Promise<void> {
  await tx.lock(ownerLock(ownerId))
}

function instants(nowMs: number): { readonly day: number; readonly minute: number; readonly month: number } {
  const starts = windowStarts(nowMs)
  return { day: starts.tokens_per_day, minute: starts.requests_per_minute, month: starts.cost_per_month }
}

async function exceededBy(tx: ReadTx, subject: LimitSubject, need: LimitNeed, nowMs: number): Promise<Exceeded | null> {
  const { ownerId, projectId = null } = subject
  return decideExceeded(await limitsOf.all(tx, { ownerId, projectId, ...instants(nowMs) }), need, nowMs)
}

async function limitById(tx: ReadTx, id: string, nowMs: number): Promise<LimitRow | undefined> {
  const rows = await selectLimits(tx.sql, windowStarts(nowMs)).where('limits.id', '=', id).execute()
  return (await withReserved(tx, rows))[0]
}

function matchingLimits(
  tx: ReadTx,
  { ownerId, projectId }: { readonly [Field in keyof LimitSubject]?: string | undefined },
) {
  let matching = tx.sql.selectFrom('limits')
  if (projectId !== undefined) matching = matching.where('limits.project_id', '=', projectId)
  if (ownerId === undefined) return matching
  // General and project limits have an index each.
  return matching.where((eb) => {
    const owned = eb('limits.owner_id', '=', ownerId)
    return eb.or([
      eb.and([owned, eb('limits.project_id', 'is', null)]),
      eb.and([owned, eb('limits.project_id', 'is not', null)]),
    ])
  })
}

async function required(tx: ReadTx, id: string, nowMs: number): Promise<LimitRow> {
  const row = await limitById(tx, id, nowMs)
  if (row === undefined) throw new TokenManagerError('LIMIT_NOT_FOUND', 'there is no such limit')
  return row
}

/** A limit read under its owner's lock; an owner never changes. */
async function lockedLimit(tx: WriteTx, id: string, nowMs: number): Promise<LimitRow> {
  const { owner_id: ownerId } = await required(tx, id, nowMs)
  await lockOwner(tx, ownerId)
  return required(tx, id, nowMs)
}

/** Absent keeps, null clears. */
function changed<T>(to: T | null | undefined, from: T | null): T | null {
  return to === undefined ? from : to
}

function entry(operation: string, id: string, actor: ActorRef, changes: AuditInput['changes']): AuditInput {
  return { operation, resourceType: 'limit', resourceId: id, actor, changes }
}
