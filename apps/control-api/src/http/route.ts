import type { IdPrefix, WriteTx } from '@iron/database'
import type { Permission, Scope } from '@iron/rbac'
import type { Services } from '../services.ts'
import type { ApiErrorCode } from './errors.ts'
import type { Principal } from './principal.ts'
import type { RateClass } from './rate-classes.ts'
import type { RequestContext } from './request-context.ts'
import type { Static, TSchema } from './schemas.ts'

/** Which credential a route takes (http-api 3.2). */
export type RouteAuth =
  /** No credential; a presented one is ignored. */
  | 'public'
  /** The handler takes the refresh token itself. */
  | 'refresh'
  /** A user's session. */
  | 'session'
  /** A user's session or API token, with the route's permission. */
  | 'user'
  /** An agent's IC token. */
  | 'agent'
  /** A user with the permission, or an agent for itself. */
  | 'user-or-agent'
  /** Any valid credential. */
  | 'any'

/** What a handler is given: everything has been checked. */
export interface HandlerInput<Auth extends RouteAuth, Query, Body> {
  readonly services: Services
  readonly context: RequestContext
  readonly principal: Auth extends 'public' | 'refresh' ? undefined : Principal
  /** How far the permission reaches: `own` = what the principal owns now. */
  readonly scope: Scope
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
  /** Set when an idempotency key spans the change: services join it. */
  readonly tx: WriteTx | undefined
  readonly idempotencyKey: string | undefined
  /** The bare Bearer value, for `auth: 'refresh'` only. */
  readonly bearer: string | undefined
}

/** What a handler answers. */
export interface HandlerAnswer {
  /** Default 200. */
  readonly status?: number
  /** Absent: no body. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** One endpoint: the only way to add one. */
export interface RouteDefinition<
  Auth extends RouteAuth = RouteAuth,
  Query extends TSchema = TSchema,
  Body extends TSchema = TSchema,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base path, with `{name}` for parameters: `/agents/{id}`. */
  readonly path: string
  /** Required, so that a route cannot be open by accident. */
  readonly auth: Auth
  readonly permission?: Permission | undefined
  /** What an IC token must be allowed to do. */
  readonly agentPermission?: 'llm:call' | 'analytics:write' | undefined
  readonly rateLimit: RateClass
  /** The code of a path id that is malformed or names nothing, by parameter. */
  readonly params?: Readonly<Record<string, { readonly prefix: IdPrefix; readonly notFound: ApiErrorCode }>>
  readonly query?: Query | undefined
  readonly body?: Body | undefined
  /** Bytes. Default 64 KiB. */
  readonly bodyBytesMax?: number | undefined
  /** Audit operations this route causes; none for reads. */
  readonly audit: readonly string[]
  /** Honours `Idempotency-Key`: `stored` with the answer, `lease` with the lease (http-api 1.9). */
  readonly idempotency?: 'stored' | 'lease' | undefined
  /** Fields of the answer that are not stored for a replay: dotted paths. */
  readonly secrets?: readonly string[] | undefined
  /** The agent in the path must be one the principal may see; else it does not exist. */
  readonly agentParam?: string | undefined
  /** May be called while the password must be changed (http-api 4.1). */
  readonly whilePasswordChangePending?: boolean | undefined
  /** Also answers at the root (rulings R8). */
  readonly atRoot?: boolean | undefined
  readonly summary: string
  readonly handler: (input: HandlerInput<Auth, Static<Query>, Static<Body>>) => Promise<HandlerAnswer>
}

/** Declares an endpoint; types of query and body follow from their schemas. */
export function defineRoute<const Auth extends RouteAuth, Query extends TSchema, Body extends TSchema>(
  route: RouteDefinition<Auth, Query, Body>,
): RouteDefinition {
  return route
}
