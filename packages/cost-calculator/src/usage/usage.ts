/**
 * The parts one call is measured in. Parts are disjoint: a token stands in exactly one of them, so that it can be priced
 * exactly once (budget protocol 8.3).
 */
import { CostError } from '../errors.ts'

/** Every part, in the order in which the lines of a cost appear. */
export const USAGE_UNITS = [
  'input',
  'cacheRead',
  'cacheWrite',
  'cacheWrite1h',
  'audioInput',
  'audioCacheRead',
  'imageInput',
  'imageCacheRead',
  'videoInput',
  'output',
  'reasoning',
  'citation',
  'audioOutput',
  'imageOutput',
  'videoOutput',
  'unsplit',
  'audioSeconds',
  'webSearches',
  'storageSearches',
  'documentPages',
  'requests',
] as const

/** Disjoint parts of one call. `unsplit`: tokens not told apart as input or output. */
export type UsageUnit = (typeof USAGE_UNITS)[number]

/** How much of each part a call used; an absent part is 0. */
export type Usage = { readonly [U in UsageUnit]?: number | undefined }

/** Whose usage object `normalizeUsage` is given; also accepted as the `provider` of a price query. */
export type ProviderKind = 'openai' | 'anthropic' | 'google' | 'azure_openai' | 'custom'

/** Parts that count towards the long-context bound: all input, and what may be input. */
export const INPUT_UNITS = [
  'input',
  'cacheRead',
  'cacheWrite',
  'cacheWrite1h',
  'audioInput',
  'audioCacheRead',
  'imageInput',
  'imageCacheRead',
  'videoInput',
] as const satisfies readonly UsageUnit[]

/** Parts of the output. */
export const OUTPUT_UNITS = [
  'output',
  'reasoning',
  'citation',
  'audioOutput',
  'imageOutput',
  'videoOutput',
] as const satisfies readonly UsageUnit[]

export const COUNT_RULE = 'must be a whole number from 0'

/** Whether it is a whole number from 0 to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Reads a count. @throws {CostError} INVALID_USAGE unless it is one */
export function checkedCount(value: unknown, path: string): number {
  if (isCount(value)) return value === 0 ? 0 : value
  throw new CostError('INVALID_USAGE', `${path} is not a whole count`, { fields: { [path]: COUNT_RULE } })
}

/** The part of a total that is in none of its parts. @throws {CostError} INVALID_USAGE when the parts exceed it (PRI-21) */
export function restOf(total: number, parts: readonly number[], path: string): number {
  const rest = parts.reduce((left, part) => left - part, total)
  if (rest >= 0) return rest
  throw new CostError('INVALID_USAGE', `the parts of ${path} exceed it`, {
    fields: { [path]: 'is less than its parts' },
  })
}
