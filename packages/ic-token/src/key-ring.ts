/**
 * The signing keys: the first signs, all verify. Secrets become `KeyObject`s once, here: jsonwebtoken is some forty times
 * slower with a string, and a KeyObject shows nothing of itself when printed.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'
import { IcTokenError, type IcTokenErrorCode } from './errors.ts'

/** One HMAC key and the `kid` that tokens name it by. */
export interface IcTokenKey {
  readonly kid: string
  /** At least 32 bytes; text counts as its UTF-8 bytes. */
  readonly secret: string | Uint8Array
}

/** RFC 7518 3.2: a key for HS256 is at least as long as the hash output. */
const SECRET_MIN_BYTES = 32
const KID_MAX_CHARS = 64

export interface SigningKey {
  readonly kid: string
  readonly key: KeyObject
}

export class KeyRing {
  /** Signs. */
  readonly current: SigningKey
  /** In the order given; all verify. */
  readonly all: readonly SigningKey[]
  readonly #byKid: ReadonlyMap<unknown, SigningKey>

  /** @throws {IcTokenError} WEAK_SECRET for a secret under 32 bytes, else UNKNOWN_KEY for missing, misnamed or twice named keys */
  constructor(keys: readonly IcTokenKey[]) {
    const faults = new KeyFaults()
    const ring = Array.isArray(keys) ? keys.map((key, index) => readKey(key as unknown, index, faults)) : []
    ring.forEach(({ kid }, index) => {
      if (ring.findIndex((other) => other.kid === kid) < index) faults.add(`keys[${index}].kid`, 'is used twice')
    })
    const current = ring[0]
    if (current === undefined) faults.add('keys', 'must hold at least one key')
    faults.throwIfAny()
    this.current = current as SigningKey
    this.all = ring
    this.#byKid = new Map(ring.map((key) => [key.kid, key]))
  }

  /** The keys that may have signed a token with this `kid` header: that one, every one if it is absent, none if unknown. */
  candidates(kid: unknown): readonly SigningKey[] {
    if (kid === undefined) return this.all
    const key = this.#byKid.get(kid)
    return key === undefined ? [] : [key]
  }
}

class KeyFaults {
  readonly #fields: Record<string, string> = {}
  #code: IcTokenErrorCode = 'UNKNOWN_KEY'

  add(path: string, text: string, code?: IcTokenErrorCode): void {
    this.#fields[path] = text
    this.#code = code ?? this.#code
  }

  throwIfAny(): void {
    if (Object.keys(this.#fields).length === 0) return
    throw new IcTokenError(this.#code, { fields: Object.freeze(this.#fields) }, 'The signing keys are not valid')
  }
}

function readKey(value: unknown, index: number, faults: KeyFaults): SigningKey {
  const { kid, secret } = (value ?? {}) as { kid?: unknown; secret?: unknown }
  const isNamed = typeof kid === 'string' && kid !== '' && kid.length <= KID_MAX_CHARS
  if (!isNamed) faults.add(`keys[${index}].kid`, `must be text of 1 to ${KID_MAX_CHARS} characters`)
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret
  const isStrong = bytes instanceof Uint8Array && bytes.byteLength >= SECRET_MIN_BYTES
  if (!isStrong) faults.add(`keys[${index}].secret`, `must have at least ${SECRET_MIN_BYTES} bytes`, 'WEAK_SECRET')
  return { kid: isNamed ? kid : `#${index}`, key: createSecretKey(isStrong ? bytes : Buffer.alloc(SECRET_MIN_BYTES)) }
}
