import { IcTokenError, IcTokenManager, type IcTokenErrorCode, type IcTokenManagerOptions } from '../src/index.ts'

export const NOW_MS = Date.UTC(2026, 0, 31, 9, 30)
export const NOW_SECONDS = NOW_MS / 1000
export const SECRET = 'k'.repeat(32)

/** A clock the test sets. */
export class SetClock {
  ms = NOW_MS
  now(): number {
    return this.ms
  }
}

export function makeManager(options: Partial<IcTokenManagerOptions> = {}): { tokens: IcTokenManager; clock: SetClock } {
  const clock = new SetClock()
  return { tokens: new IcTokenManager({ keys: [{ kid: 'k1', secret: SECRET }], clock, ...options }), clock }
}

export function errorOf(work: () => unknown): IcTokenError {
  try {
    work()
  } catch (error) {
    if (error instanceof IcTokenError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** The code with which the token is refused, or 'accepted'. */
export function verdict(tokens: IcTokenManager, token: unknown): IcTokenErrorCode | 'accepted' {
  try {
    tokens.verify(token as string)
    return 'accepted'
  } catch (error) {
    if (error instanceof IcTokenError) return error.code
    throw error
  }
}

export function base64url(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}
