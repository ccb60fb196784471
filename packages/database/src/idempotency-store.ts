import { createHash } from 'node:crypto'
import { DatabaseError } from './errors.ts'
import { Faults } from './faults.ts'
import { canonicalJson, type Json } from './json.ts'
import type { Prune } from './methods.ts'
import { prepare } from './statement.ts'
import { DatabaseService } from './service.ts'
import type { WriteTx } from './transaction.ts'

/** One use of an `Idempotency-Key` (http-api 1.9). */
export interface IdempotencyKey {
  readonly principalId: string
  /** Method and path. */
  readonly route: string
  /** 1..255 visible ASCII. */
  readonly key: string
  /** What a repeat is compared by. */
  readonly payload: unknown
}

/** Longest key, in characters (http-api 1.9). */
export const IDEMPOTENCY_KEY_MAX = 255
/** Longest method and path, in code points. */
const ROUTE_MAX = 200

/** Rows deleted in one transaction, so that no writer waits long (data-model 6). */
const PRUNE_STEP = 5_000

interface Slot {
  principalId: string
  route: string
  key: string
}

// Pure: a bundler drops them, and Kysely with them, where nobody uses the store.
const stored = /* @__PURE__ */ prepare<Slot, { payload_hash: string; result: string }>((db, p) =>
  db
    .selectFrom('idempotency_keys')
    .select(['payload_hash', 'result'])
    .where('principal_id', '=', p('principalId'))
    .where('route', '=', p('route'))
    .where('key', '=', p('key')),
)

const store = /* @__PURE__ */ prepare<Slot & { payloadHash: string; result: string; createdAt: number }>((db, p) =>
  db.insertInto('idempotency_keys').values({
    principal_id: p('principalId'),
    route: p('route'),
    key: p('key'),
    payload_hash: p('payloadHash'),
    result: p('result'),
    created_at: p('createdAt'),
  }),
)

const expired = /* @__PURE__ */ prepare<{ olderThan: number; limit: number }, Slot>((db, p) =>
  db
    .selectFrom('idempotency_keys')
    .select(['principal_id as principalId', 'route', 'key'])
    .where('created_at', '<', p('olderThan'))
    .orderBy('created_at')
    .limit(p('limit')),
)

const remove = /* @__PURE__ */ prepare<Slot>((db, p) =>
  db
    .deleteFrom('idempotency_keys')
    .where('principal_id', '=', p('principalId'))
    .where('route', '=', p('route'))
    .where('key', '=', p('key')),
)

/**
 * Answers a repeated creating call with the first answer: the answer is stored in the transaction of the change, so either
 * both exist or neither does. The caller strips secrets from the result.
 */
export class IdempotencyStore extends DatabaseService {
  /**
   * Runs `work` once per key; a repeat gets the stored result. A concurrent second call waits for the first; a `work` that
   * fails stores nothing.
   *
   * @throws {DatabaseError} IDEMPOTENCY_CONFLICT when the key was used with another payload
   */
  run<T extends Json>(
    key: IdempotencyKey,
    work: (tx: WriteTx) => Promise<T>,
  ): Promise<{ readonly result: T; readonly replayed: boolean }> {
    checkKey(key)
    const payloadHash = createHash('sha256')
      .update(canonicalJson(key.payload ?? null))
      .digest('hex')
    const slot: Slot = { principalId: key.principalId, route: key.route, key: key.key }
    return this.write(async (tx) => {
      await tx.lock(`idempotency:${canonicalJson(slot)}`)
      const known = await stored.first(tx, slot)
      if (known !== undefined) {
        if (known.payload_hash !== payloadHash) {
          throw new DatabaseError('IDEMPOTENCY_CONFLICT', 'the idempotency key was used with another payload')
        }
        return Object.freeze({ result: JSON.parse(known.result) as T, replayed: true })
      }
      const result = await work(tx)
      await store.run(tx, { ...slot, payloadHash, result: JSON.stringify(result), createdAt: this.clock.now() })
      return Object.freeze({ result, replayed: false })
    })
  }

  /**
   * Forgets keys stored before `olderThan` (epoch ms).
   *
   * @returns how many, at most `limit` (default 5 000)
   * @throws {DatabaseError} VALIDATION_ERROR
   */
  async prune({ olderThan, limit = PRUNE_STEP }: Parameters<Prune>[0]): Promise<number> {
    const faults = new Faults()
    faults.integer('olderThan', olderThan, 0)
    faults.integer('limit', limit, 1)
    faults.throwIfAny(
      (details) => new DatabaseError('VALIDATION_ERROR', 'what is to be pruned is not valid', { details }),
    )
    return this.write(async (tx) => {
      const rows = await expired.all(tx, { olderThan, limit })
      for (const row of rows) await remove.run(tx, row)
      return rows.length
    })
  }
}

function checkKey(key: IdempotencyKey): void {
  const faults = new Faults()
  faults.id('principalId', key.principalId)
  faults.text('route', key.route, { max: ROUTE_MAX })
  faults.key('key', key.key, IDEMPOTENCY_KEY_MAX)
  faults.throwIfAny((details) => new DatabaseError('VALIDATION_ERROR', 'the idempotency key is not valid', { details }))
}
