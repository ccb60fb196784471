import type { Faults, InTx } from '@iron/database'

/** Who did something, and from where. `userId` is the person behind a user or an API token. */
export interface Actor {
  readonly type: 'user' | 'agent' | 'api_token' | 'system'
  readonly id: string
  readonly userId?: string | undefined
  readonly role?: string | undefined
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
  /** Of the HTTP request. */
  readonly requestId?: string | undefined
}

/** An actor, or the id of a user. */
export type ActorRef = string | number | Actor

/** A command on one thing. */
export type Act<T, Extra = unknown> = (id: string, actor: ActorRef, options?: InTx & Extra) => Promise<T>
/** A command that makes something. */
export type Make<From, T> = (from: From, actor: ActorRef, options?: InTx) => Promise<T>
/** A command that changes one thing. */
export type Change<To, T> = (id: string, to: To, actor: ActorRef, options?: InTx) => Promise<T>

/** Longest user agent that is kept, in code points; clients choose it, so a longer one is cut, not refused. */
export const USER_AGENT_MAX = 500
/** Longest role, address and HTTP request id, in code points. */
const ROLE_MAX = 64
const ADDRESS_MAX = 64
const HTTP_REQUEST_ID_MAX = 200

const TYPES: readonly unknown[] = ['user', 'agent', 'api_token', 'system']

/** The actor a reference means. */
export function actorOf(ref: ActorRef): Actor {
  return typeof ref === 'object' ? ref : { type: 'user', id: String(ref) }
}

/** The id that stands for whoever acted: the person behind a user or an API token, else the actor itself. */
export function actorIdOf(ref: ActorRef): string {
  return typeof ref === 'object' ? (ref.userId ?? ref.id) : String(ref)
}

/** Collects what is wrong with an actor. */
export function checkActor(actor: Actor, faults: Faults): void {
  faults.oneOf('actor.type', actor.type, TYPES)
  faults.id('actor.id', actor.id)
  if (actor.userId !== undefined) faults.id('actor.userId', actor.userId)
  if (actor.role !== undefined) faults.text('actor.role', actor.role, { max: ROLE_MAX })
  if (actor.ip !== undefined) faults.text('actor.ip', actor.ip, { max: ADDRESS_MAX })
  if (actor.requestId !== undefined) faults.text('actor.requestId', actor.requestId, { max: HTTP_REQUEST_ID_MAX })
  if (actor.userAgent !== undefined && typeof actor.userAgent !== 'string') {
    faults.add('actor.userAgent', 'must be a text')
  }
}

/** A user agent as it is stored: cut, without control characters, valid Unicode. */
export function storedUserAgent(text: string | undefined): string | null {
  if (text === undefined) return null
  // PostgreSQL cannot store NUL, and no other control character says anything here.
  const cleaned = text.toWellFormed().replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
  return cleaned.length <= USER_AGENT_MAX ? cleaned : Array.from(cleaned).slice(0, USER_AGENT_MAX).join('')
}
