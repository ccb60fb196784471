/** What does it cost to seal a provider key at rest, and to open it. */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, randomFillSync } from 'node:crypto'
import { assert, timed, timeOfCall } from '../micro.ts'
import type { Question } from '../question.ts'

const masterKey = randomBytes(32)
const PROVIDER_KEY = `sk-${'0123456789abcdef'.repeat(4)}`
const CONTEXT = 'key_01900000-0000-7000-8000-000000000001|prov_01900000-0000-7000-8000-000000000002'
const RAW = 'node:crypto'
const TAG_BYTES = 16
const NONCE_BYTES = 12
const POOL_BYTES = 3_072

interface Vault<Sealed> {
  readonly seal: (secret: string, context: string) => Sealed
  readonly open: (sealed: Sealed, context: string) => unknown
}

const ours = async () => {
  const { SecretVault } = await import('@iron/ip-token-crypto')
  const vault = new SecretVault([{ id: 'k1', key: masterKey }])
  type Sealed = ReturnType<typeof vault.seal>
  const result: Vault<Sealed> = {
    seal: (secret, context) => vault.seal(secret, context),
    open: (sealed, context) => vault.open(sealed, context),
  }
  return result
}

const jose = async () => {
  const { CompactEncrypt, compactDecrypt } = await import('jose')
  const usages = ['encrypt', 'decrypt'] as const
  const key = await crypto.subtle.importKey('raw', masterKey, 'AES-GCM', false, [...usages])
  const result: Vault<Promise<string>> = {
    // Its protected header is what it authenticates beside the secret.
    seal: (secret, context) =>
      new CompactEncrypt(Buffer.from(secret, 'latin1'))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', ctx: context })
        .encrypt(key),
    open: async (sealed, context) => {
      const { plaintext, protectedHeader } = await compactDecrypt(await sealed, key)
      if (protectedHeader['ctx'] !== context) throw new Error('another row')
      return Buffer.from(plaintext).toString('latin1')
    },
  }
  return result
}

/** The calls that cannot be avoided: fresh nonces from a pool, one cipher, and text, which is what is stored. */
const raw = async () => {
  const key = createSecretKey(masterKey)
  const pool = Buffer.alloc(POOL_BYTES)
  let used = POOL_BYTES
  const result: Vault<string> = {
    seal: (secret, context) => {
      if (used === POOL_BYTES) {
        randomFillSync(pool)
        used = 0
      }
      const nonce = pool.subarray(used, (used += NONCE_BYTES))
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(Buffer.from(context))
      const ciphertext = cipher.update(secret, 'latin1')
      cipher.final()
      return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]).toString('base64')
    },
    open: (sealed, context) => {
      const bytes = Buffer.from(sealed, 'base64')
      const tagAt = bytes.length - TAG_BYTES
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
      decipher.setAAD(Buffer.from(context))
      decipher.setAuthTag(bytes.subarray(tagAt))
      const secret = decipher.update(bytes.subarray(NONCE_BYTES, tagAt), undefined, 'latin1')
      return secret + decipher.final('latin1')
    },
  }
  return result
}

async function assertVault<Sealed>(vault: Vault<Sealed>): Promise<Sealed> {
  const sealed = vault.seal(PROVIDER_KEY, CONTEXT)
  assert.equal(await vault.open(sealed, CONTEXT), PROVIDER_KEY)
  assert.notDeepEqual(await vault.seal(PROVIDER_KEY, CONTEXT), await sealed)
  await assert.rejects(async () => vault.open(sealed, 'another row'))
  return sealed
}

const sealing = (make: () => Promise<Vault<unknown>>) => async () => {
  const vault = await make()
  await assertVault(vault)
  return () => vault.seal(PROVIDER_KEY, CONTEXT)
}
const opening = (make: () => Promise<Vault<unknown>>) => async () => {
  const vault = await make()
  const sealed = await assertVault(vault)
  return () => vault.open(sealed, CONTEXT)
}

function question(title: string, name: string, asking: typeof sealing): Question {
  return {
    figures: timeOfCall(title, { against: RAW, times: 1 / 1.3 }),
    contestants: [
      timed('ours', name, asking(ours as () => Promise<Vault<unknown>>)),
      timed('rival', 'jose dir+A256GCM', asking(jose as () => Promise<Vault<unknown>>)),
      timed('limit', RAW, asking(raw as () => Promise<Vault<unknown>>)),
    ],
  }
}

export const questions: Readonly<Record<string, Question>> = {
  'vault-seal': question('provider key, sealed', 'seal', sealing),
  'vault-open': question('provider key, opened', 'open', opening),
}
