/**
 * Provider keys, sealed at rest and write-only. A provider has at most one active key at every moment, a sealed value opens
 * only in its own row, and a key is handed over only together with the audit entry that says so.
 */
import {
  type AtTx,
  type DbSource,
  Faults,
  type InTx,
  type IronDatabase,
  type Page,
  type Paged,
  type ServiceOptions,
  type WriteTx,
} from '@iron/database'
import { CryptoError, maskSecret, type SealedSecret, type SecretVault } from '@iron/ip-token-crypto'
import { type ActorRef, actorIdOf } from '@iron/journal'
import { AuditedService } from './audited-service.ts'
import { refuseFaults, TokenManagerError } from './errors.ts'
import { listKeys } from './providers/list-keys.ts'
import {
  fromSealedColumn,
  type ProviderKey,
  type ProviderKeyFilter,
  type ProviderKeyRow,
  sealContext,
  toProviderKey,
  toSealedColumn,
} from './providers/provider-key.ts'
import { activeKeyOf, insertKey, keyById, lockProvider, retireKey, stampKeyUse } from './providers/statements.ts'
import { keepCanary, opensCanary } from './providers/vault-canary.ts'

/** Longest provider key, in characters (http-api 4.12). */
const API_KEY_MAX = 500
/** `lastUsedAt` is written at most this often, in milliseconds. A stamp further ahead was left by a clock that was wrong, and is replaced. */
const LAST_USED_STEP_MS = 60_000
/** Rows re-wrapped in one transaction. */
const REWRAP_STEP = 500

/** The API keys of providers: sealed on the way in, opened only to be handed to an agent. */
export class ProviderKeyStorage extends AuditedService {
  readonly #vault: SecretVault

  constructor(source: DbSource, vault: SecretVault, options: ServiceOptions = {}) {
    super(source, options)
    this.#vault = vault
  }

  /**
   * Seals a provider's first key and makes it active. Audited as `PROVIDER_KEY_ADDED`.
   *
   * @param apiKey 1..500 visible ASCII characters
   * @throws {TokenManagerError} VALIDATION_ERROR, PROVIDER_NOT_FOUND; PROVIDER_KEY_EXISTS (`details.existing_id`): rotate
   * instead; CRYPTO_UNAVAILABLE
   */
  async add(providerId: string, apiKey: string, actor: ActorRef, options: InTx = {}): Promise<ProviderKey> {
    checkNewKey(apiKey, actor)
    return this.write(async (tx, db) => {
      await this.#lock(tx, providerId)
      const current = await activeKeyOf.first(tx, { providerId })
      if (current !== undefined && current.key_id !== null) {
        const details = { existing_id: current.key_id }
        throw new TokenManagerError('PROVIDER_KEY_EXISTS', 'the provider has an active key: rotate it', { details })
      }
      const key = await this.#insert(tx, db, providerId, apiKey, actor)
      const metadata = { provider_id: providerId, masked: key.masked }
      this.auditOf(db).defer(
        { operation: 'PROVIDER_KEY_ADDED', resourceType: 'provider_key', resourceId: key.id, actor, metadata },
        { tx },
      )
      return key
    }, options)
  }

  /**
   * Replaces a provider's key in one step; runtimes follow at their next handshake or refresh. Works without an active key
   * too. Audited as `PROVIDER_KEY_ROTATED`.
   *
   * @throws {TokenManagerError} VALIDATION_ERROR, PROVIDER_NOT_FOUND, CRYPTO_UNAVAILABLE
   */
  async rotate(
    providerId: string,
    apiKey: string,
    actor: ActorRef,
    options: InTx = {},
  ): Promise<{ readonly key: ProviderKey; readonly retiredKeyId: string | null }> {
    checkNewKey(apiKey, actor)
    return this.write(async (tx, db) => {
      await this.#lock(tx, providerId)
      const current = await activeKeyOf.first(tx, { providerId })
      const retiredKeyId = current?.key_id ?? null
      if (retiredKeyId !== null) await retireKey.run(tx, { id: retiredKeyId, at: this.clock.now() })
      const key = await this.#insert(tx, db, providerId, apiKey, actor)
      const metadata = { provider_id: providerId, masked: key.masked, retired_key_id: retiredKeyId }
      this.auditOf(db).defer(
        { operation: 'PROVIDER_KEY_ROTATED', resourceType: 'provider_key', resourceId: key.id, actor, metadata },
        { tx },
      )
      return Object.freeze({ key, retiredKeyId })
    }, options)
  }

  /**
   * Takes a key out of use; its provider has none then. Audited as `PROVIDER_KEY_RETIRED`.
   *
   * @throws {TokenManagerError} KEY_NOT_FOUND, KEY_NOT_ACTIVE
   */
  retire(id: string, actor: ActorRef, options: InTx = {}): Promise<ProviderKey> {
    return this.write(async (tx, db) => {
      const before = await keyById.first(tx, { id })
      if (before === undefined) throw new TokenManagerError('KEY_NOT_FOUND', 'there is no such provider key')
      await lockProvider.first(tx, { id: before.provider_id })
      if ((await retireKey.run(tx, { id, at: this.clock.now() })) === 0) throw keyNotActive()
      const metadata = { provider_id: before.provider_id, masked: before.masked }
      this.auditOf(db).defer(
        { operation: 'PROVIDER_KEY_RETIRED', resourceType: 'provider_key', resourceId: id, actor, metadata },
        { tx },
      )
      return toProviderKey((await keyById.first(tx, { id })) as ProviderKeyRow)
    }, options)
  }

  /** A key by id, retired ones too. */
  get(id: string, options: AtTx = {}): Promise<ProviderKey | undefined> {
    return this.read(
      async (tx) => {
        const row = await keyById.first(tx, { id })
        return row === undefined || row.provider_deleted_at !== null ? undefined : toProviderKey(row)
      },
      { tx: options.tx, lookup: true },
    )
  }

  /** Keys of providers that exist. Sorts: `createdAt` (default, newest first), `lastUsedAt`. */
  async list(filter: ProviderKeyFilter = {}, options: Page & AtTx = {}): Promise<Paged<ProviderKey>> {
    const faults = new Faults()
    if (filter.status !== undefined) faults.oneOf('status', filter.status, ['active', 'retired'])
    refuseFaults(faults)
    return this.read((tx) => listKeys(tx, filter, options), options)
  }

  /**
   * Opens the active key of a provider in memory, before the transaction that hands it over.
   *
   * @throws {TokenManagerError} PROVIDER_NOT_FOUND, PROVIDER_DISABLED, NO_ACTIVE_KEY; CRYPTO_UNAVAILABLE when the vault
   * cannot open it, whatever the cause
   */
  async unseal(providerId: string, options: AtTx = {}): Promise<{ readonly keyId: string; readonly apiKey: string }> {
    const row = await this.read((tx) => activeKeyOf.first(tx, { providerId }), { tx: options.tx, lookup: true })
    if (row === undefined) throw new TokenManagerError('PROVIDER_NOT_FOUND', 'there is no such provider')
    if (row.status === 'disabled') throw providerDisabled(providerId)
    if (row.key_id === null || row.sealed === null || row.vault_key_id === null) {
      throw new TokenManagerError('NO_ACTIVE_KEY', 'the provider has no active key', {
        details: { provider_id: providerId },
      })
    }
    const keyId = row.key_id
    const sealed = fromSealedColumn(row.sealed, row.vault_key_id)
    const apiKey = withVault(() => this.#vault.open(sealed, sealContext(keyId, providerId)))
    return Object.freeze({ keyId, apiKey })
  }

  /**
   * Records, in the transaction that hands a key over, that it was handed over. Audited as `PROVIDER_KEY_DISCLOSED`.
   *
   * @param purpose what for, such as the lease id
   * @throws {TokenManagerError} KEY_NOT_FOUND; KEY_NOT_ACTIVE when it was replaced meanwhile: unseal again;
   * PROVIDER_DISABLED
   */
  async disclose(
    keyId: string,
    purpose: string,
    actor: ActorRef,
    options: { readonly tx: WriteTx },
  ): Promise<ProviderKey> {
    const { tx } = options
    return this.write(async (_, db) => {
      const row = await keyById.first(tx, { id: keyId })
      if (row === undefined) throw new TokenManagerError('KEY_NOT_FOUND', 'there is no such provider key')
      if (row.status !== 'active' || row.provider_deleted_at !== null) throw keyNotActive()
      if (row.provider_status === 'disabled') throw providerDisabled(row.provider_id)
      const nowMs = this.clock.now()
      const [before, after] = [nowMs - LAST_USED_STEP_MS, nowMs + LAST_USED_STEP_MS]
      const due = row.last_used_at === null || row.last_used_at < before || row.last_used_at > after
      if (due) await stampKeyUse.run(tx, { id: keyId, at: nowMs, before, after })
      const metadata = { provider_id: row.provider_id, purpose }
      this.auditOf(db).defer(
        { operation: 'PROVIDER_KEY_DISCLOSED', resourceType: 'provider_key', resourceId: keyId, actor, metadata },
        { tx },
      )
      return toProviderKey(due ? { ...row, last_used_at: nowMs } : row)
    }, options)
  }

  /**
   * Seals with the vault's current key what an older one sealed, at most `limit` (default 500) keys, one transaction. Call
   * it until `left` is 0; then the old master key may go. Audited as `VAULT_REWRAPPED` when it did something.
   *
   * @throws {TokenManagerError} CRYPTO_UNAVAILABLE when the vault lacks the key of a row
   */
  async rewrap(
    options: { readonly limit?: number | undefined } = {},
  ): Promise<{ readonly rewrapped: number; readonly left: number }> {
    const limit = options.limit ?? REWRAP_STEP
    const faults = new Faults()
    faults.integer('limit', limit, 1)
    refuseFaults(faults)
    return this.write(async (tx, db) => {
      const old = tx.sql
        .selectFrom('provider_keys')
        .where('sealed', 'is not', null)
        .where('vault_key_id', '<>', this.#vault.currentKeyId)
      const rows = await old
        .select(['id', 'provider_id', 'sealed', 'vault_key_id'])
        .orderBy('id')
        .limit(limit)
        .execute()
      let rewrapped = 0
      for (const row of rows) rewrapped += await this.#rewrapRow(tx, row)
      const { left } = await old.select((eb) => eb.fn.countAll<number>().as('left')).executeTakeFirstOrThrow()
      if (rewrapped > 0) {
        await keepCanary(tx, this.#vault)
        const metadata = { to: this.#vault.currentKeyId, rewrapped, left }
        const actor = { type: 'system', id: 'system:vault' } as const
        this.auditOf(db).defer({ operation: 'VAULT_REWRAPPED', resourceType: 'vault', actor, metadata }, { tx })
      }
      return Object.freeze({ rewrapped, left })
    })
  }

  /**
   * Proves that the vault opens with every master key in use: the current one and those that sealed a stored value.
   *
   * @returns one line per key id; readiness wants them all `ok`
   */
  async checkCanary(): Promise<readonly { readonly vaultKeyId: string; readonly ok: boolean }[]> {
    const current = this.#vault.currentKeyId
    const { used, known } = await this.read(async (tx) => {
      const rows = await tx.sql
        .selectFrom('provider_keys')
        .select('vault_key_id')
        .distinct()
        .where('sealed', 'is not', null)
        .execute()
      const ids = new Set([current, ...rows.map((row) => row.vault_key_id as string)])
      const answers = new Map<string, boolean | undefined>()
      for (const id of ids) answers.set(id, await opensCanary(tx, this.#vault, id))
      return { used: [...ids].sort(), known: answers }
    })
    if (known.get(current) === undefined) {
      await this.write((tx) => keepCanary(tx, this.#vault))
      known.set(current, await this.read((tx) => opensCanary(tx, this.#vault, current)))
    }
    return Object.freeze(used.map((vaultKeyId) => Object.freeze({ vaultKeyId, ok: known.get(vaultKeyId) === true })))
  }

  async #lock(tx: WriteTx, providerId: string): Promise<void> {
    const locked = await lockProvider.first(tx, { id: providerId })
    if (locked === undefined) throw new TokenManagerError('PROVIDER_NOT_FOUND', 'there is no such provider')
  }

  /** Seals a key under its own id and inserts it; the provider's row is locked, so nobody else can. */
  async #insert(
    tx: WriteTx,
    db: IronDatabase,
    providerId: string,
    apiKey: string,
    actor: ActorRef,
  ): Promise<ProviderKey> {
    const id = this.idsOf(db).next('key')
    const sealed = withVault(() => this.#vault.seal(apiKey, sealContext(id, providerId)))
    await keepCanary(tx, this.#vault)
    const inserted = await insertKey.first(tx, {
      id,
      providerId,
      sealed: toSealedColumn(sealed),
      vaultKeyId: sealed.keyId,
      masked: maskSecret(apiKey),
      at: this.clock.now(),
      by: actorIdOf(actor),
    })
    if (inserted === undefined)
      throw new TokenManagerError('PROVIDER_KEY_EXISTS', 'the provider has an active key: rotate it')
    return toProviderKey((await keyById.first(tx, { id })) as ProviderKeyRow)
  }

  async #rewrapRow(
    tx: WriteTx,
    row: {
      readonly id: string
      readonly provider_id: string
      readonly sealed: string | null
      readonly vault_key_id: string | null
    },
  ): Promise<number> {
    if (row.sealed === null || row.vault_key_id === null) return 0
    const before: SealedSecret = fromSealedColumn(row.sealed, row.vault_key_id)
    const sealed = withVault(() => this.#vault.rewrap(before, sealContext(row.id, row.provider_id)))
    const result = await tx.sql
      .updateTable('provider_keys')
      .set({ sealed: toSealedColumn(sealed), vault_key_id: sealed.keyId })
      .where('id', '=', row.id)
      .where('sealed', '=', row.sealed)
      .executeTakeFirst()
    return Number(result.numUpdatedRows)
  }
}

function checkNewKey(apiKey: unknown, actor: ActorRef): void {
  const faults = new Faults()
  faults.key('apiKey', apiKey, API_KEY_MAX)
  // It stands in the row of the key, too.
  faults.id('actor.id', actorIdOf(actor))
  refuseFaults(faults)
}

/** A vault that cannot do its work is one error, whatever the cause (SEC-20, SEC-28). */
function withVault<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    throw new TokenManagerError('CRYPTO_UNAVAILABLE', 'the provider key cannot be opened or sealed', { cause: error })
  }
}

function keyNotActive(): TokenManagerError {
  return new TokenManagerError('KEY_NOT_ACTIVE', 'the provider key is not active')
}

function providerDisabled(providerId: string): TokenManagerError {
  return new TokenManagerError('PROVIDER_DISABLED', 'the provider is disabled', {
    details: { provider_id: providerId },
  })
}
