import type { Faults } from '@iron/database'
import type { IcTokenOptions } from './ic-token-info.ts'

/** What an IC token can be allowed to do (http-api 2). */
const IC_TOKEN_PERMISSIONS: readonly string[] = Object.freeze(['llm:call', 'analytics:write'])

/** Adds what is wrong with the options of an IC token, under paths that begin with `prefix`. */
export function checkIcToken(faults: Faults, prefix: string, options: IcTokenOptions, now: number): IcTokenOptions {
  const { permissions, expiresAt } = options
  if (permissions !== undefined && !Array.isArray(permissions)) faults.add(`${prefix}permissions`, 'must be a list')
  else if (permissions !== undefined) {
    faults.check(permissions.length > 0, `${prefix}permissions`, 'must not be empty')
    permissions.forEach((permission, index) => {
      faults.oneOf(`${prefix}permissions[${index}]`, permission, IC_TOKEN_PERMISSIONS)
    })
  }
  if (expiresAt !== undefined) {
    faults.integer(`${prefix}expiresAt`, expiresAt, 0)
    faults.check(wholeSecond(expiresAt) > now, `${prefix}expiresAt`, 'must be in the future, counted in whole seconds')
  }
  return { permissions: Array.isArray(permissions) ? [...new Set<string>(permissions)] : undefined, expiresAt }
}

/** A token's expiry is a claim in seconds: a part of one is dropped, so that it never lives longer than asked. */
function wholeSecond(at: number): number {
  return Math.floor(at / 1_000) * 1_000
}
