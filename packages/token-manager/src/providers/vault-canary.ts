/**
 * A known text sealed with each master key, kept in `meta`. Opening it proves that the vault still has that key, without
 * touching a provider key (SEC-19). Each is written in the transaction of the first secret sealed with its key.
 */
import { prepare, type ReadTx, type WriteTx } from '@iron/database'
import { CryptoError, type SecretVault } from '@iron/ip-token-crypto'
import { fromSealedColumn, toSealedColumn } from './provider-key.ts'

/** What is sealed; it proves nothing but that it opens. */
const CANARY_TEXT = 'iron-vault-canary'

const metaValue = prepare<{ key: string }, { value: string }>((db, p) =>
  db.selectFrom('meta').select('value').where('key', '=', p('key')),
)

const insertMeta = prepare<{ key: string; value: string }>((db, p) =>
  db
    .insertInto('meta')
    .values({ key: p('key'), value: p('value') })
    .onConflict((conflict) => conflict.column('key').doNothing()),
)

/** Makes sure that the vault's current key has its canary. */
export async function keepCanary(tx: WriteTx, vault: SecretVault): Promise<void> {
  const key = canaryKey(vault.currentKeyId)
  if ((await metaValue.first(tx, { key })) !== undefined) return
  await insertMeta.run(tx, { key, value: toSealedColumn(vault.seal(CANARY_TEXT, key)) })
}

/** Whether the canary of a key opens; `undefined` when there is none. */
export async function opensCanary(tx: ReadTx, vault: SecretVault, vaultKeyId: string): Promise<boolean | undefined> {
  const key = canaryKey(vaultKeyId)
  const row = await metaValue.first(tx, { key })
  if (row === undefined) return undefined
  try {
    return vault.open(fromSealedColumn(row.value, vaultKeyId), key) === CANARY_TEXT
  } catch (error) {
    if (error instanceof CryptoError) return false
    throw error
  }
}

function canaryKey(vaultKeyId: string): string {
  return `vault.canary.${vaultKeyId}`
}
