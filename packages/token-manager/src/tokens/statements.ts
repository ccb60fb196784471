import { type EpochMs, type JsonText, prepare, type ReadTx } from '@iron/database'
import type { Role } from '@iron/rbac'
import type { TokenRow } from './token.ts'

type Sql = ReadTx['sql']

/** Tokens with what their secrets tell of them. The current secret is the one without an end (data-model 3.2). */
export function selectTokens(db: Sql) {
  return db
    .selectFrom('api_tokens as t')
    .select([
      't.id',
      't.owner_id',
      't.name',
      't.description',
      't.project_id',
      't.scopes',
      't.allowed_ips',
      't.created_at',
      't.expires_at',
      't.last_used_at',
      't.revoked_at',
    ])
    .select((eb) => {
      const secrets = eb.selectFrom('api_token_secrets as s').whereRef('s.token_id', '=', 't.id')
      const current = secrets.where('s.valid_until', 'is', null)
      return [
        current.select('s.hint').as('hint'),
        current.select('s.created_at').as('secret_created_at'),
        secrets.where('s.valid_until', 'is not', null).select('s.hint').limit(1).as('replaced_hint'),
      ]
    })
    .$castTo<TokenRow>()
}

/** One token, revoked ones too. */
export const tokenById = prepare<{ id: string }, TokenRow>((db, p) => selectTokens(db).where('t.id', '=', p('id')))

/** Holds a token against other changes of it; one writer at a time makes it free on SQLite. */
export const lockToken = prepare<{ id: string }, { id: string }>((db, p, dialect) => {
  const query = db.selectFrom('api_tokens').select('id').where('id', '=', p('id'))
  return dialect === 'postgres' ? query.forNoKeyUpdate() : query
})

/** Holds every token of an owner that is not revoked, in order. */
export const lockUnrevoked = prepare<{ ownerId: string }, { id: string }>((db, p, dialect) => {
  const query = db
    .selectFrom('api_tokens')
    .select('id')
    .where('owner_id', '=', p('ownerId'))
    .where('revoked_at', 'is', null)
    .orderBy('id')
  return dialect === 'postgres' ? query.forNoKeyUpdate() : query
})

/** What decides about a presented secret: its token and that token's owner, read together. */
export interface SecretState {
  readonly token_id: string
  readonly owner_id: string
  readonly project_id: string | null
  readonly scopes: JsonText | null
  readonly allowed_ips: JsonText
  readonly expires_at: EpochMs | null
  readonly revoked_at: EpochMs | null
  readonly last_used_at: EpochMs | null
  /** Null: the current secret; else the end of its grace. */
  readonly valid_until: EpochMs | null
  readonly role: Role
  readonly suspended_at: EpochMs | null
  readonly deleted_at: EpochMs | null
}

/**
 * The one read of every request with an API token. The secret is found in a subquery with a limit, which is not merged into
 * the join: SQLite prepares a join over tables with a partial index anew at every execution, to look at the bound value
 * (measured: six times the work).
 */
export const stateOfSecret = prepare<{ hash: string }, SecretState>((db, p) =>
  db
    .selectFrom((eb) =>
      eb
        .selectFrom('api_token_secrets')
        .select(['token_id', 'valid_until'])
        .where('token_hash', '=', p('hash'))
        .limit(1)
        .as('s'),
    )
    .innerJoin('api_tokens as t', 't.id', 's.token_id')
    .innerJoin('users as u', 'u.id', 't.owner_id')
    .select([
      's.token_id',
      's.valid_until',
      't.owner_id',
      't.project_id',
      't.scopes',
      't.allowed_ips',
      't.expires_at',
      't.revoked_at',
      't.last_used_at',
      'u.role',
      'u.suspended_at',
      'u.deleted_at',
    ]),
)

/** How many tokens of an owner are neither revoked nor expired. */
export const countActive = prepare<{ ownerId: string; now: EpochMs }, { active: number }>((db, p) =>
  db
    .selectFrom('api_tokens')
    .select((eb) => eb.fn.countAll<number>().as('active'))
    .where('owner_id', '=', p('ownerId'))
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', p('now'))])),
)

export const insertTokenRow = prepare<{
  id: string
  ownerId: string
  name: string
  description: string | null
  projectId: string | null
  scopes: JsonText | null
  allowedIps: JsonText
  createdAt: EpochMs
  expiresAt: EpochMs | null
}>((db, p) =>
  db.insertInto('api_tokens').values({
    id: p('id'),
    owner_id: p('ownerId'),
    name: p('name'),
    description: p('description'),
    project_id: p('projectId'),
    scopes: p('scopes'),
    allowed_ips: p('allowedIps'),
    created_at: p('createdAt'),
    expires_at: p('expiresAt'),
  }),
)

export const insertSecret = prepare<{ hash: string; tokenId: string; hint: string; at: EpochMs }>((db, p) =>
  db
    .insertInto('api_token_secrets')
    .values({ token_hash: p('hash'), token_id: p('tokenId'), hint: p('hint'), created_at: p('at') }),
)

/** Ends the grace of secrets that were replaced before. */
export const endGraces = prepare<{ tokenId: string; at: EpochMs }>((db, p) =>
  db
    .updateTable('api_token_secrets')
    .set({ valid_until: p('at') })
    .where('token_id', '=', p('tokenId'))
    .where('valid_until', '>', p('at')),
)

/** Replaces the current secret; it stays valid until the end of its grace. */
export const replaceSecret = prepare<{ tokenId: string; until: EpochMs }>((db, p) =>
  db
    .updateTable('api_token_secrets')
    .set({ valid_until: p('until') })
    .where('token_id', '=', p('tokenId'))
    .where('valid_until', 'is', null),
)

/** Revokes a token unless it is. */
export const revokeTokenRow = prepare<{ id: string; at: EpochMs; by: string }>((db, p) =>
  db
    .updateTable('api_tokens')
    .set({ revoked_at: p('at'), revoked_by: p('by') })
    .where('id', '=', p('id'))
    .where('revoked_at', 'is', null),
)

/**
 * Stamps the use of a token, unless its stamp is less than a minute away. On PostgreSQL a row that somebody else holds is
 * left alone: an observation waits for nobody, and so cannot deadlock with anybody.
 */
export const stampUse = prepare<{ id: string; at: EpochMs; before: EpochMs; after: EpochMs }>((db, p, dialect) => {
  const row = db.selectFrom('api_tokens').select('id').where('id', '=', p('id'))
  return db
    .updateTable('api_tokens')
    .set({ last_used_at: p('at') })
    .where('id', 'in', dialect === 'postgres' ? row.forNoKeyUpdate().skipLocked() : row)
    .where((eb) =>
      eb.or([
        eb('last_used_at', 'is', null),
        eb('last_used_at', '<=', p('before')),
        eb('last_used_at', '>=', p('after')),
      ]),
    )
})
