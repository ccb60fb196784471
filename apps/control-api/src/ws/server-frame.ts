/** What the server says besides events (websocket.md 4). */
import type { DesiredState } from '@iron/agent-registry'
import type { EventBounds } from '@iron/journal'
import { isoTime } from '../answers/scalars.ts'
import type { ApiErrorCode } from '../http/errors.ts'
import { isPerson, type Principal } from '../http/principal.ts'
import { PAYLOAD_BYTES_MAX, type SocketLimits } from './limits.ts'
import type { Reader } from './reader.ts'

/** A code of http-api 1.6, or one that only a connection that stands open can have. */
export type SocketErrorCode = ApiErrorCode | 'IDLE_TIMEOUT' | 'SLOW_CONSUMER'

/** An error as a frame says it: the flat shape of HTTP. */
export interface SocketError {
  readonly code: SocketErrorCode
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** Where a stream begins. */
export interface Beginning {
  readonly bounds: EventBounds
  readonly seq: number
  readonly resumed: boolean
  /** Of an agent: the truth at the head. */
  readonly desiredState: DesiredState | undefined
}

/** `hello` */
export function helloFrame(
  connectionId: string,
  reader: Reader,
  at: number,
  from: Beginning,
  limits: SocketLimits,
): Buffer {
  return frame({
    type: 'hello',
    connection_id: connectionId,
    principal: principalAnswer(reader.principal),
    scope: reader.scope.kind,
    seq: from.seq,
    head_seq: from.bounds.head,
    oldest_seq: from.bounds.oldest,
    resumed: from.resumed,
    heartbeat_interval_ms: limits.heartbeatMs,
    idle_timeout_ms: limits.idleMs,
    max_payload_bytes: PAYLOAD_BYTES_MAX,
    server_time: isoTime(at),
    ...(from.desiredState === undefined ? {} : { desired_state: from.desiredState }),
  })
}

/** `ack` */
export function ackFrame(of: string, ref: string | undefined, at: number): Buffer {
  return frame({ type: 'ack', ref: ref ?? null, of, timestamp: isoTime(at) })
}

/** `error` */
export function errorFrame({ code, message, details }: SocketError, ref?: string | null): Buffer {
  return frame({
    type: 'error',
    error: message,
    code,
    ...(details === undefined ? {} : { details }),
    ...(ref === undefined || ref === null ? {} : { ref }),
  })
}

/** `heartbeat` */
export function heartbeatFrame(seq: number, at: number): Buffer {
  return frame({ type: 'heartbeat', timestamp: isoTime(at), seq })
}

/** Why events before a position cannot be sent. */
export type ResyncReason = 'too_old' | 'unknown_position'

/** `resync_required` */
export function resyncFrame(reason: ResyncReason, bounds: EventBounds): Buffer {
  return frame({ type: 'resync_required', reason, oldest_seq: bounds.oldest, seq: bounds.head })
}

function principalAnswer(principal: Principal): object {
  const { kind } = principal
  const nobody = { kind, user_id: null, role: null, token_id: null, agent_id: null }
  if (!isPerson(principal)) return { ...nobody, agent_id: principal.agentId }
  const { userId: user_id, role } = principal
  return { ...nobody, user_id, role, token_id: principal.kind === 'api_token' ? principal.tokenId : null }
}

function frame(value: object): Buffer {
  return Buffer.from(JSON.stringify(value))
}
