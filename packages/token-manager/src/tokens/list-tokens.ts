import { Faults, type Page, type Paged, pageWindow, type ReadTx } from '@iron/database'
import { refuseFaults } from '../errors.ts'
import { globPattern, regexPattern } from '../users/search-pattern.ts'
import { selectTokens } from './statements.ts'
import { type ApiToken, toApiToken, type TokenFilter } from './token.ts'

const SORTS = {
  createdAt: 't.created_at',
  name: 't.name',
  lastUsedAt: 't.last_used_at',
  expiresAt: 't.expires_at',
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
  const matching = matchingTokens(tx, filter, nowMs)
  const { total } = await matching
    .clearSelect()
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  // Never used comes before every use, never expiring after every expiry, on both engines.
  const nullsFirst = (window.column === 't.expires_at') === (window.direction === 'desc')
  const rows = await matching
    .orderBy(window.column, (order) => {
      const directed = window.direction === 'asc' ? order.asc() : order.desc()
      return nullsFirst ? directed.nullsFirst() : directed.nullsLast()
    })
    .orderBy('t.id', window.direction)
    .limit(window.perPage)
    .offset(window.offset)
    .execute()
  return { data: rows.map((row) => toApiToken(row, nowMs)), page: window.page, perPage: window.perPage, total }
}

function matchingTokens(tx: ReadTx, filter: TokenFilter, nowMs: number) {
  const { ownerId, projectId, name, status } = filter
  let matching = selectTokens(tx.sql)
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
