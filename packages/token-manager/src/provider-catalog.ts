/**
 * The providers agents may be given. Names are unique among those that exist; a deleted provider keeps its row for the
 * history and loses its keys for good.
 */
import {
  type AtTx,
  DatabaseError,
  Faults,
  type InTx,
  type JsonObject,
  type Page,
  type Paged,
  pageSlice,
  pageWindow,
  type WriteTx,
} from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { AuditedService } from './audited-service.ts'
import { difference } from './difference.ts'
import { refuseFaults, TokenManagerError } from './errors.ts'
import {
  auditedProvider,
  checkNewProvider,
  checkProviderChange,
  type NewProvider,
  type Provider,
  PROVIDER_STATUSES,
  type ProviderChange,
  type ProviderFilter,
  type ProviderRow,
  toProvider,
} from './providers/provider.ts'
import { lockProvider, PROVIDER_COLUMNS, providerById, providerByIdOrName } from './providers/statements.ts'

/** The LLM providers agents may be given. */
export class ProviderCatalog extends AuditedService {
  /**
   * Adds a provider, active and without key. Audited as `PROVIDER_CREATED`.
   *
   * @throws {TokenManagerError} VALIDATION_ERROR; PROVIDER_EXISTS (`details.existing_id`)
   */
  async create(provider: NewProvider, actor: ActorRef, options: InTx = {}): Promise<Provider> {
    const { models, ...checked } = checkNewProvider(provider)
    return this.write(async (tx, db) => {
      const id = this.idsOf(db).next('prov')
      const nowMs = this.clock.now()
      const inserted = await tx.sql
        .insertInto('providers')
        .values({
          id,
          name: checked.name,
          kind: checked.kind,
          base_url: checked.baseUrl,
          models: JSON.stringify(models),
          created_at: nowMs,
          updated_at: nowMs,
        })
        .onConflict((conflict) => conflict.column('name').where('deleted_at', 'is', null).doNothing())
        .returning('id')
        .executeTakeFirst()
      if (inserted === undefined) throw await nameTaken(tx, checked.name)
      const row = await required(tx, id)
      const changes = { after: auditedProvider(row) }
      this.auditOf(db).defer(
        { operation: 'PROVIDER_CREATED', resourceType: 'provider', resourceId: id, actor, changes },
        { tx },
      )
      return toProvider(row)
    }, options)
  }

  /**
   * Changes what is given. A disabled provider's key is handed to nobody. Audited as `PROVIDER_UPDATED` if anything changed.
   *
   * @throws {TokenManagerError} VALIDATION_ERROR, PROVIDER_NOT_FOUND, PROVIDER_EXISTS
   */
  async update(id: string, change: ProviderChange, actor: ActorRef, options: InTx = {}): Promise<Provider> {
    const { name, baseUrl, models, status } = checkProviderChange(change)
    return this.write(async (tx, db) => {
      await lockProvider.first(tx, { id })
      const before = await required(tx, id)
      const values = {
        name: name ?? before.name,
        base_url: baseUrl ?? before.base_url,
        models: models === undefined ? before.models : JSON.stringify(models),
        status: status ?? before.status,
      }
      const changes = difference(auditedProvider(before), auditedProvider({ ...before, ...values }))
      if (changes === undefined) return toProvider(before)
      const set = { ...values, updated_at: this.clock.now() }
      try {
        await tx.savepoint((inner) => inner.sql.updateTable('providers').set(set).where('id', '=', id).execute())
      } catch (error) {
        if (error instanceof DatabaseError && error.code === 'DATABASE_CONSTRAINT')
          throw await nameTaken(tx, values.name)
        throw error
      }
      const after = await required(tx, id)
      this.auditOf(db).defer(
        { operation: 'PROVIDER_UPDATED', resourceType: 'provider', resourceId: id, actor, changes },
        { tx },
      )
      return toProvider(after)
    }, options)
  }

  /**
   * Deletes a provider: its name becomes free, its keys are retired and their ciphertext is destroyed. Where agents exist,
   * the registry's `deleteProvider` takes it from them in the same transaction. Audited as `PROVIDER_DELETED`.
   *
   * @returns the provider as it was
   * @throws {TokenManagerError} PROVIDER_NOT_FOUND
   */
  delete(
    id: string,
    actor: ActorRef,
    options: InTx & { readonly metadata?: JsonObject | undefined } = {},
  ): Promise<Provider> {
    return this.write(async (tx, db) => {
      await lockProvider.first(tx, { id })
      const before = await required(tx, id)
      const nowMs = this.clock.now()
      await tx.sql.updateTable('providers').set({ deleted_at: nowMs, updated_at: nowMs }).where('id', '=', id).execute()
      await tx.sql
        .updateTable('provider_keys')
        .set((eb) => ({
          status: 'retired',
          retired_at: eb.fn.coalesce('retired_at', eb.val(nowMs)),
          sealed: null,
          vault_key_id: null,
        }))
        .where('provider_id', '=', id)
        .execute()
      this.auditOf(db).defer(
        {
          operation: 'PROVIDER_DELETED',
          resourceType: 'provider',
          resourceId: id,
          actor,
          changes: { before: auditedProvider(before) },
          ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
        },
        { tx },
      )
      return toProvider(before)
    }, options)
  }

  /** A provider that exists, by id. */
  get(id: string, options: AtTx = {}): Promise<Provider | undefined> {
    return this.read(
      async (tx) => {
        const row = await providerById.first(tx, { id })
        return row === undefined ? undefined : toProvider(row)
      },
      { tx: options.tx, lookup: true },
    )
  }

  /** A provider that exists, by its id or its name: reports name it either way. */
  resolve(idOrName: string, options: AtTx = {}): Promise<Provider | undefined> {
    return this.read(
      async (tx) => {
        const row = await providerByIdOrName.first(tx, { text: idOrName })
        return row === undefined ? undefined : toProvider(row)
      },
      { tx: options.tx, lookup: true },
    )
  }

  /** Providers that exist. Sorts: `name` (default), `createdAt`. */
  async list(filter: ProviderFilter = {}, options: Page & AtTx = {}): Promise<Paged<Provider>> {
    const sorts = { name: 'providers.name', createdAt: 'providers.created_at' } as const
    const window = pageWindow(options, sorts, 'name')
    const { page, perPage, column } = window
    const faults = new Faults()
    if (filter.status !== undefined) faults.oneOf('status', filter.status, PROVIDER_STATUSES)
    refuseFaults(faults)
    return this.read(async (tx) => {
      let matching = tx.sql.selectFrom('providers').where('providers.deleted_at', 'is', null)
      const { name, status } = filter
      if (status !== undefined) matching = matching.where('providers.status', '=', status)
      if (name !== undefined) {
        const position = tx.dialect === 'postgres' ? 'strpos' : 'instr'
        const needle = name.toLowerCase()
        matching = matching.where((eb) => eb(eb.fn<number>(position, ['providers.name', eb.val(needle)]), '>', 0))
      }
      const { total } = await matching.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      const { limit, offset, direction } = pageSlice(window, total)
      const ids = matching
        .select('providers.id')
        .orderBy(column, direction)
        .orderBy('providers.id', direction)
        .limit(limit)
        .offset(offset)
      const rows = await tx.sql
        .selectFrom('providers')
        .leftJoin('provider_keys', (join) =>
          join.onRef('provider_keys.provider_id', '=', 'providers.id').on('provider_keys.status', '=', 'active'),
        )
        .select(PROVIDER_COLUMNS)
        .select('provider_keys.id as active_key_id')
        .where('providers.id', 'in', ids)
        .orderBy(column, window.direction)
        .orderBy('providers.id', window.direction)
        .execute()
      return Object.freeze({ data: Object.freeze(rows.map(toProvider)), page, perPage, total })
    }, options)
  }
}

async function required(tx: WriteTx, id: string): Promise<ProviderRow> {
  const row = await providerById.first(tx, { id })
  if (row === undefined) throw new TokenManagerError('PROVIDER_NOT_FOUND', 'there is no such provider')
  return row
}

async function nameTaken(tx: WriteTx, name: string): Promise<TokenManagerError> {
  const other = await tx.sql
    .selectFrom('providers')
    .select('id')
    .where('name', '=', name)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  const details = other === undefined ? {} : { existing_id: other.id }
  return new TokenManagerError('PROVIDER_EXISTS', 'there is a provider of this name', { details })
}
