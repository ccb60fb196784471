import { type EpochMs, prepare } from '@iron/database'
import type { ProviderKeyRow } from './provider-key.ts'
import type { Provider, ProviderRow } from './provider.ts'

/** The columns of a {@link ProviderRow} that stand in `providers` itself. */
export const PROVIDER_COLUMNS = [
  'providers.id',
  'providers.name',
  'providers.kind',
  'providers.base_url',
  'providers.models',
  'providers.status',
  'providers.created_at',
  'providers.updated_at',
] as const

/** A provider that exists, with its active key's id. */
export const providerById = prepare<{ id: string }, ProviderRow>(
  (db, p) =>
    db
      .selectFrom('providers')
      .leftJoin('provider_keys', (join) =>
        join.onRef('provider_keys.provider_id', '=', 'providers.id').on('provider_keys.status', '=', 'active'),
      )
      .select(PROVIDER_COLUMNS)
      .select('provider_keys.id as active_key_id')
      .where('providers.id', '=', p('id'))
      .where('providers.deleted_at', 'is', null),
  { together: { id: 'text' } },
)

/** A provider that exists, by its id or its name. */
export const providerByIdOrName = prepare<{ text: string }, ProviderRow>((db, p) =>
  db
    .selectFrom('providers')
    .leftJoin('provider_keys', (join) =>
      join.onRef('provider_keys.provider_id', '=', 'providers.id').on('provider_keys.status', '=', 'active'),
    )
    .select(PROVIDER_COLUMNS)
    .select('provider_keys.id as active_key_id')
    .where((eb) => eb.or([eb('providers.id', '=', p('text')), eb('providers.name', '=', p('text'))]))
    .where('providers.deleted_at', 'is', null),
)

/** Holds a provider that exists against changes of itself and of its keys; one writer at a time makes it free on SQLite. */
export const lockProvider = prepare<{ id: string }, { id: string }>((db, p, dialect) => {
  const query = db.selectFrom('providers').select('id').where('id', '=', p('id')).where('deleted_at', 'is', null)
  return dialect === 'postgres' ? query.forUpdate() : query
})

/** The columns of a {@link ProviderKeyRow}: never the sealed value. */
export const KEY_COLUMNS = [
  'provider_keys.id',
  'provider_keys.provider_id',
  'providers.name as provider_name',
  'provider_keys.masked',
  'provider_keys.status',
  'provider_keys.vault_key_id',
  'provider_keys.created_at',
  'provider_keys.retired_at',
  'provider_keys.last_used_at',
] as const

/** One key, retired ones and those of deleted providers too. */
export const keyById = prepare<
  { id: string },
  ProviderKeyRow & { readonly provider_status: Provider['status']; readonly provider_deleted_at: EpochMs | null }
>(
  (db, p) =>
    db
      .selectFrom('provider_keys')
      .innerJoin('providers', 'providers.id', 'provider_keys.provider_id')
      .select(KEY_COLUMNS)
      .select(['providers.status as provider_status', 'providers.deleted_at as provider_deleted_at'])
      .where('provider_keys.id', '=', p('id')),
  { together: { id: 'text' } },
)

/** What a handshake reads to open a provider's key: the provider's state and its active key, if any. */
export const activeKeyOf = prepare<
  { providerId: string },
  { status: Provider['status']; key_id: string | null; sealed: string | null; vault_key_id: string | null }
>(
  (db, p) =>
    db
      .selectFrom('providers')
      .leftJoin('provider_keys', (join) =>
        join.onRef('provider_keys.provider_id', '=', 'providers.id').on('provider_keys.status', '=', 'active'),
      )
      .select(['providers.status', 'provider_keys.id as key_id', 'provider_keys.sealed', 'provider_keys.vault_key_id'])
      .where('providers.id', '=', p('providerId'))
      .where('providers.deleted_at', 'is', null),
  { together: { providerId: 'text' } },
)

/** Stamps the use of a key that was last stamped before `before` or after `after`: many grants a second share one key. */
export const stampKeyUse = prepare<{ id: string; at: EpochMs; before: EpochMs; after: EpochMs }>(
  (db, p) =>
    db
      .updateTable('provider_keys')
      .set({ last_used_at: p('at') })
      .where('id', '=', p('id'))
      .where((eb) =>
        eb.or([
          eb('last_used_at', 'is', null),
          eb('last_used_at', '<', p('before')),
          eb('last_used_at', '>', p('after')),
        ]),
      ),
  { together: { id: 'text', at: 'bigint', before: 'bigint', after: 'bigint' } },
)

/** Inserts an active key unless the provider has one. */
export const insertKey = prepare<
  {
    id: string
    providerId: string
    sealed: string
    vaultKeyId: string
    masked: string
    at: EpochMs
    by: string
  },
  { id: string }
>((db, p) =>
  db
    .insertInto('provider_keys')
    .values({
      id: p('id'),
      provider_id: p('providerId'),
      status: 'active',
      sealed: p('sealed'),
      vault_key_id: p('vaultKeyId'),
      masked: p('masked'),
      created_at: p('at'),
      created_by: p('by'),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id'),
)

/** Retires a key that is active. */
export const retireKey = prepare<{ id: string; at: EpochMs }>((db, p) =>
  db
    .updateTable('provider_keys')
    .set({ status: 'retired', retired_at: p('at') })
    .where('id', '=', p('id'))
    .where('status', '=', 'active'),
)
