/** What a client may say (websocket.md 4). */
import { EVENT_TYPES } from '@iron/journal'
import { array, object, oneOf, optional, type Static, text, Type, visibleAscii } from '../http/schemas.ts'
import { compileFindFaults, type Faulty, type FindFaults } from '../http/validator.ts'

/** Characters of a credential; the longest is an IC token with its prefix (http-api 4.9.3). */
const TOKEN_MAX = 2_003
/** Agents, and types or groups, of one subscription. */
const AGENTS_MAX = 100

const id = optional(text({ max: 100, verbatim: true }))
/** Whether what a frame has for an `id` is one, whatever else is wrong with the frame. */
const faultsOfId = compileFindFaults(object({ id }))
const GROUPS = [...new Set(EVENT_TYPES.map((type) => `${type.split('.')[0] ?? ''}.*`))]

const AUTH = object({
  type: oneOf('auth'),
  token: visibleAscii(TOKEN_MAX),
  since: optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  id,
})
const SUBSCRIBE = object({
  type: oneOf('subscribe'),
  agent_ids: optional(array(text({ max: 100, verbatim: true }), { maxItems: AGENTS_MAX })),
  types: optional(array(oneOf(...EVENT_TYPES, ...GROUPS), { maxItems: EVENT_TYPES.length + GROUPS.length })),
  id,
})
const HEARTBEAT = object({ type: oneOf('heartbeat'), id })

/** `{"type":"auth"}` */
export type AuthFrame = Static<typeof AUTH>
/** `{"type":"subscribe"}` */
export type SubscribeFrame = Static<typeof SUBSCRIBE>
/** A frame without a fault. */
export type ClientFrame = AuthFrame | SubscribeFrame | Static<typeof HEARTBEAT>

/** What a message turns out to be. */
export type Received =
  | { readonly kind: 'frame'; readonly frame: ClientFrame }
  /** An object, but no frame. `ref` is its `id`, if that is one. */
  | { readonly kind: 'invalid'; readonly fields: Faulty; readonly ref: string | null }
  | { readonly kind: 'malformed' }

const FAULTS: Readonly<Record<string, FindFaults>> = {
  auth: compileFindFaults(AUTH),
  subscribe: compileFindFaults(SUBSCRIBE),
  heartbeat: compileFindFaults(HEARTBEAT),
}

/** Reads a message. */
export function readFrame(message: string): Received {
  const value = parse(message)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'malformed' }
  const { type, id: given } = value as Record<string, unknown>
  const ref = typeof given === 'string' && faultsOfId({ id: given }) === undefined ? given : null
  if (typeof type !== 'string' || !Object.hasOwn(FAULTS, type)) {
    const rule = type === undefined ? 'is required' : `must be one of ${Object.keys(FAULTS).join(', ')}`
    return { kind: 'invalid', fields: { type: rule }, ref }
  }
  const fields = FAULTS[type]?.(value)
  return fields === undefined ? { kind: 'frame', frame: value as ClientFrame } : { kind: 'invalid', fields, ref }
}

function parse(message: string): unknown {
  try {
    return JSON.parse(message)
  } catch {
    return undefined
  }
}
