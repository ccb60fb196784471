import type { IdPrefix, WriteTx } from '@iron/database'
import type { Permission, Scope } from '@iron/rbac'
import type { AgentPrincipal } from '@iron/agent-registry'
import type { ApiTokenPrincipal, SessionPrincipal } from '@iron/token-manager'
import type { Services } from '../services.ts'
import type { ApiErrorCode } from './errors.ts'
import type { Person, Principal } from './principal.ts'
import type { RateClass } from './rate-classes.ts'
import type { RequestContext } from './request-context.ts'
import type { Static, TSchema } from './schemas.ts'

/** Which credential a route takes (http-api 3.2). */
export type RouteAuth =
  /** No credential; a presented one is ignored. */
  | 'public'
  /** E-mail and password in the body: open to everybody, and what fails is counted. */
  | 'login'
  /** The handler takes the refresh token itself. */
  | 'refresh'
  /** A user's session. */
  | 'session'
  /** A user's session or API token, with the route's permission. */
  | 'user'
  /** An API token, for itself. */
  | 'api-token'
  /** An agent's IC token. */
  | 'agent'
  /** A user with the permission, or an agent for itself. */
  | 'user-or-agent'
  /** Any valid credential. */
  | 'any'
  /** A user with the permission, or the scrape token. */
  | 'metrics'

/** Who may come to a route of each kind. */
interface PrincipalOf {
  readonly public: undefined
  readonly login: undefined
  readonly refresh: undefined
  readonly session: SessionPrincipal
  readonly user: Person
  readonly 'api-token': ApiTokenPrincipal
  readonly agent: AgentPrincipal
  readonly 'user-or-agent': Principal
  readonly any: Principal
  readonly metrics: Person | undefined
}

/** What a handler is given: everything has been checked. */
export interface HandlerInput<Auth extends RouteAuth, Query, Body, Prepared = undefined> {
  readonly services: Services
  readonly context: RequestContext
  readonly principal: PrincipalOf[Auth]
  /** How far the permission reaches: `own` = what the principal owns now. */
  readonly scope: Scope
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
  /** Set when an idempotency key spans the change: services join it. */
  readonly tx: WriteTx | undefined
  /** What the route's `prepare` made. */
  readonly prepared: Prepared
  readonly idempotencyKey: string | undefined
  /** The bare Bearer value, for `auth: 'refresh'` only. */
  readonly bearer: string | undefined
}

/** What a handler answers. */
export interface HandlerAnswer {
  /** Default 200. */
  readonly status?: number
  /** Answered as JSON. Absent: no body, unless `text` is given. */
  readonly body?: unknown
  /** A body that is not JSON, with its media type. */
  readonly text?: { readonly type: string; readonly content: string | Buffer } | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** One endpoint: the only way to add one. */
export interface RouteDefinition<
  Auth extends RouteAuth = RouteAuth,
  Query extends TSchema = TSchema,
  Body extends TSchema = TSchema,
  Prepared = unknown,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base path, with `{name}` for parameters: `/agents/{id}`. */
  readonly path: string
  /** Required, so that a route cannot be open by accident. */
  readonly auth: Auth
  /** One permission, or several that are all needed; the first one's reach is the handler's `scope`. */
  readonly permission?: Permission | readonly [Permission, ...Permission[]] | undefined
  /** What an IC token must be allowed to do. */
  readonly agentPermission?: 'llm:call' | 'analytics:write' | undefined
  readonly rateLimit: RateClass
  /** The limit is looked at and not used up: for a route that tells how it stands (LIM-02). */
  readonly leavesLimit?: boolean | undefined
  /** The code of a path id that is malformed or names nothing, by parameter. */
  readonly params?: Readonly<Record<string, { readonly prefix: IdPrefix; readonly notFound: ApiErrorCode }>>
  readonly query?: Query | undefined
  readonly body?: Body | undefined
  /** A body as a caller may send it. */
  readonly example?: Static<Body> | undefined
  /** Every success by its status: what it is, or null for none, or the media type of what is not JSON. */
  readonly answers: Readonly<Record<number, TSchema | string | null>>
  /** Codes of refusals beside those that follow from the other fields (openapi/errors-of). */
  readonly errors?: readonly ApiErrorCode[] | undefined
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
  /** What takes long and must not happen inside a transaction: hashing a password. Runs once everything is checked. */
  readonly prepare?: (
    input: Omit<HandlerInput<Auth, Static<Query>, Static<Body>>, 'tx' | 'prepared'>,
  ) => Promise<Prepared>
  readonly handler: (input: HandlerInput<Auth, Static<Query>, Static<Body>, Prepared>) => Promise<HandlerAnswer>
}

/** Declares an endpoint; types of query and body follow from their schemas. */
export function defineRoute<
  const Auth extends RouteAuth,
  Query extends TSchema,
  Body extends TSchema,
  Prepared = undefined,
>(route: RouteDefinition<Auth, Query, Body, Prepared>): RouteDefinition {
  // Handlers take a principal of their own kind; `authenticate` lets no other through.
  return route as unknown as RouteDefinition
}
