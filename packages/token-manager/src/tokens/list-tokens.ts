import { Faults, keptCount, type Page, type Paged, pageSlice, pageWindow, type ReadTx } from '@iron/database'
import { refuseFaults } from '../errors.ts'
import { ordered } from '../order-nulls.ts'
import { globPattern, regexPattern } from '../users/search-pattern.ts'
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
  const matching = matchingTokens(tx, filter, nowMs)
  const total = await countTokens(tx, filter, nowMs)
  const { limit, offset, direction } = pageSlice(window, total)
  const nulls = NULLS[column]
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
  return { data: rows.map((row) => toApiToken(row, nowMs)), page: number, perPage, total }
}

/** How many fit: of everybody's, revoked or not, without a look at them. */
async function countTokens(tx: ReadTx, filter: TokenFilter, nowMs: number): Promise<number> {
  const { ownerId, projectId, name, status } = filter
  const isOfAll = ownerId === undefined && projectId === undefined && name === undefined
  if (isOfAll && status === undefined) return keptCount(tx, 'api_tokens')
  if (isOfAll && status === 'revoked') return keptCount(tx, 'api_tokens', ['revoked'])
  const { total } = await matchingTokens(tx, filter, nowMs)
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  return total
}

function matchingTokens(tx: ReadTx, filter: TokenFilter, nowMs: number) {
  const { ownerId, projectId, name, status } = filter
  let matching = tx.sql.selectFrom('api_tokens as t')
  if (ownerId !== undefined) matching = matching.where('t.owner_id', '=', ownerId)
  if (projectId !== undefined) matching = matching.where('t.project_id', '=', projectId.normalize('NFC'))
  if (name !== undefined) {
    const text = name.normalize('NFC')
    matching = matching.where((eb) =>
      tx.dialect === 'sqlite'
        ? eb(eb.fn<number>('glob', [eb.val(globPattern(text)), 't.name']), '=', 1)
        : eb('t.name', '~', regexPattern(text)),
    )
  }
  if (status === 'revoked') matching = matching.where('t.revoked_at', 'is not', null)
  else if (status !== undefined) matching = matching.where('t.revoked_at', 'is', null)
  if (status === 'expired') matching = matching.where('t.expires_at', '<=', nowMs)
  if (status === 'active') {
    matching = matching.where((eb) => eb.or([eb('t.expires_at', 'is', null), eb('t.expires_at', '>', nowMs)]))
  }
  return matching
}
