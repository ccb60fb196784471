import { tracingChannel } from 'node:diagnostics_channel'
import type { DialectName } from './transaction.ts'

/**
 * Where every read and write that is not part of an open transaction is told: a `tracingChannel` whose message is a
 * {@link CallMessage}. `start` comes in the caller's async context, `asyncEnd` when the call's promise settles. Costs nothing while
 * nobody subscribes.
 */
export const CALLS_CHANNEL = 'iron:database:call'

/** One call, the same object from start to end. It tells neither statements nor values. */
export interface CallMessage {
  readonly kind: 'read' | 'lookup' | 'write'
  readonly dialect: DialectName
  /** What the call failed with: set before `asyncEnd`. */
  readonly error?: unknown
}

const calls = tracingChannel<CallMessage>(CALLS_CHANNEL)

/** Makes a call and tells whoever subscribed to {@link CALLS_CHANNEL}. */
export function tellCall<T>(kind: CallMessage['kind'], dialect: DialectName, call: () => Promise<T>): Promise<T> {
  return calls.hasSubscribers ? calls.tracePromise(call, { kind, dialect }) : call()
}
