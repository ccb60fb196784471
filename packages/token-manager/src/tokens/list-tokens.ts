import {
  containsText,
  expiryPart,
  Faults,
  fewIds,
  keptCount,
  type Page,
  type Paged,
  pageSlice,
  pageWindow,
  type ReadTx,
} from '@iron/database'
import { refuseFaults } from '../errors.ts'
import { ordered } from '../order-nulls.ts'
import { selectTokens } from './statements.ts'
import { type ApiToken, toApiToken, type TokenFilter } from './token.ts'

const SORTS = {
  createdAt: 't.created_at',
  name: 't.name',
  lastUsedAt: 't.last_used_at',
  expiresAt: 't.expires_at',
} as const
/** Never used comes before every use, never expiring after every expiry. */
const NULLS = {
  't.created_at': 'none',
  't.name': 'none',
  't.last_used_at': 'lowest',
  't.expires_at': 'highest',
} as const
const STATUSES: readonly ApiToken['status'][] = ['active', 'expired', 'revoked']
const DAY_MS = 86_400_000
/** Before the part of every day on which tokens expire, and after it. */
const [FIRST_EXPIRY, BEYOND_EXPIRY] = ['until ', 'until~']
/** Tokens up to which those that fit are gathered and sorted, and beyond which a page is found along its order. */
const GATHERED_MAX = 1_000
/** Longest texts of a filter, in code points. */
const PROJECT_MAX = 100
const NAME_MAX = 255

/** @throws {TokenManagerError} VALIDATION_ERROR */
export function checkTokenFilter(filter: TokenFilter): void {
  const faults = new Faults()
  if (filter.ownerId !== undefined) faults.id('ownerId', filter.ownerId)
  if (filter.projectId !== undefined) faults.text('projectId', filter.projectId, { min: 0, max: PROJECT_MAX })
  if (filter.name !== undefined) faults.text('name', filter.name, { min: 0, max: NAME_MAX })
  if (filter.status !== undefined) faults.oneOf('status', filter.status, STATUSES)
  refuseFaults(faults)
}

/** One page of tokens; filters apply before the page and to the total (DAT-19). */
export async function listTokens(tx: ReadTx, filter: TokenFilter, page: Page, nowMs: number): Promise<Paged<ApiToken>> {
  const window = pageWindow(page, SORTS)
  const { page: number, perPage, column } = window
  const few = filter.name === undefined ? undefined : await fewIds(matchingTokens(tx, filter, nowMs).select('t.id'))
  const total = few?.length ?? (await countTokens(tx, filter, nowMs))
  const { limit, offset, direction } = pageSlice(window, total)
  const nulls = NULLS[column]
  const isGathered = isOfAll(filter) && total <= GATHERED_MAX
  const matching =
    few === undefined || few.length === 0
      ? matchingTokens(tx, filter, nowMs, isGathered)
      : tx.sql.selectFrom('api_tokens as t').where('t.id', 'in', few)
  const ids = matching
    .select('t.id')
    .orderBy(column, ordered(direction, nulls))
    .orderBy('t.id', direction)
    .limit(limit)
    .offset(offset)
  const rows = await selectTokens(tx.sql)
    .where('t.id', 'in', ids)
    .orderBy(column, ordered(window.direction, nulls))
    .orderBy('t.id', window.direction)
    .execute()
  const data = rows.map((row) => toApiToken(row, nowMs))
  return Object.freeze({ data: Object.freeze(data), page: number, perPage, total })
}

/** Whether everybody's tokens are asked for, and those of any name. */
function isOfAll({ ownerId, projectId, name }: TokenFilter): boolean {
  return ownerId === undefined && projectId === undefined && name === undefined
}

/** How many fit: of everybody's without a look at others than those that expire today. */
async function countTokens(tx: ReadTx, filter: TokenFilter, nowMs: number): Promise<number> {
  if (!isOfAll(filter)) return countOf(matchingTokens(tx, filter, nowMs))
  const { status } = filter
  if (status === undefined) return keptCount(tx, 'api_tokens')
  if (status === 'revoked') return keptCount(tx, 'api_tokens', ['revoked'])
  const [today, tomorrow] = [expiryPart(nowMs), expiryPart(nowMs + DAY_MS)]
  const expiringToday = tx.sql
    .selectFrom('api_tokens as t')
    .where('t.revoked_at', 'is', null)
    .where('t.expires_at', '>=', nowMs - (nowMs % DAY_MS))
  if (status === 'expired') {
    const before = await keptCount(tx, 'api_tokens', { from: FIRST_EXPIRY, to: today })
    return before + (await countOf(expiringToday.where('t.expires_at', '<=', nowMs)))
  }
  const unlimited = await keptCount(tx, 'api_tokens', ['kept'])
  const later = await keptCount(tx, 'api_tokens', { from: tomorrow, to: BEYOND_EXPIRY })
  const ends = nowMs - (nowMs % DAY_MS) + DAY_MS
  const left = expiringToday.where('t.expires_at', '>', nowMs).where('t.expires_at', '<', ends)
  return unlimited + later + (await countOf(left))
}

async function countOf(tokens: ReturnType<typeof matchingTokens>): Promise<number> {
  return (await tokens.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()).total
}

/** @param isGathered whether the index of expiries may be taken; of many it would gather them all to sort them. Behind a sum it is not */
function matchingTokens(tx: ReadTx, filter: TokenFilter, nowMs: number, isGathered = false) {
  const { ownerId, projectId, name, status } = filter
  let matching = tx.sql.selectFrom('api_tokens as t')
  if (ownerId !== undefined) matching = matching.where('t.owner_id', '=', ownerId)
  if (projectId !== undefined) matching = matching.where('t.project_id', '=', projectId.normalize('NFC'))
  if (name !== undefined) matching = matching.where(containsText(tx, 't.name', name.normalize('NFC')))
  if (status === 'revoked') matching = matching.where('t.revoked_at', 'is not', null)
  else if (status !== undefined) matching = matching.where('t.revoked_at', 'is', null)
  if (status === 'expired' || status === 'active') {
    matching = matching.where((eb) => {
      const expiresAt = isGathered ? eb.ref('t.expires_at') : eb('t.expires_at', '+', 0)
      if (status === 'expired') return eb(expiresAt, '<=', nowMs)
      return eb.or([eb(expiresAt, 'is', null), eb(expiresAt, '>', nowMs)])
    })
  }
  return matching
}
