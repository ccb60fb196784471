/** A page of provider keys. */
import { keptCount, type Page, type Paged, pageSlice, pageWindow, type ReadTx } from '@iron/database'
import { ordered } from '../order-nulls.ts'
import { type ProviderKey, type ProviderKeyFilter, toProviderKey } from './provider-key.ts'
import { KEY_COLUMNS } from './statements.ts'

const SORTS = { createdAt: 'provider_keys.created_at', lastUsedAt: 'provider_keys.last_used_at' } as const

/** Keys of deleted providers are left out. */
export async function listKeys(tx: ReadTx, filter: ProviderKeyFilter, options: Page): Promise<Paged<ProviderKey>> {
  const window = pageWindow(options, SORTS)
  const { page, perPage, column } = window
  const total = await countKeys(tx, filter)
  const { limit, offset, direction } = pageSlice(window, total)
  // Never used sorts as the oldest.
  const nulls = column === 'provider_keys.last_used_at' ? 'lowest' : 'none'
  const ids = matchingKeys(tx, filter)
    .innerJoin('providers', 'providers.id', 'provider_keys.provider_id')
    .where('providers.deleted_at', 'is', null)
    .select('provider_keys.id')
    .orderBy(column, ordered(direction, nulls))
    .orderBy('provider_keys.id', direction)
    .limit(limit)
    .offset(offset)
  const rows = await tx.sql
    .selectFrom('provider_keys')
    .innerJoin('providers', 'providers.id', 'provider_keys.provider_id')
    .select(KEY_COLUMNS)
    .where('provider_keys.id', 'in', ids)
    .orderBy(column, ordered(window.direction, nulls))
    .orderBy('provider_keys.id', window.direction)
    .execute()
  return Object.freeze({ data: Object.freeze(rows.map(toProviderKey)), page, perPage, total })
}

function matchingKeys(tx: ReadTx, { providerId, status }: ProviderKeyFilter) {
  let matching = tx.sql.selectFrom('provider_keys')
  if (providerId !== undefined) matching = matching.where('provider_keys.provider_id', '=', providerId)
  if (status !== undefined) matching = matching.where('provider_keys.status', '=', status)
  return matching
}

/** As many as triggers keep, without those of deleted providers; those of one provider are counted. */
async function countKeys(tx: ReadTx, filter: ProviderKeyFilter): Promise<number> {
  const { providerId, status } = filter
  const ofProviders = matchingKeys(tx, filter).where('provider_keys.provider_id', 'in', (eb) => {
    const providers = eb.selectFrom('providers').select('providers.id')
    return providerId === undefined
      ? providers.where('providers.deleted_at', 'is not', null)
      : providers.where('providers.id', '=', providerId).where('providers.deleted_at', 'is', null)
  })
  const { keys } = await ofProviders.select(({ fn }) => fn.countAll<number>().as('keys')).executeTakeFirstOrThrow()
  if (providerId !== undefined) return keys
  return (await keptCount(tx, 'provider_keys', status === undefined ? undefined : [status])) - keys
}
