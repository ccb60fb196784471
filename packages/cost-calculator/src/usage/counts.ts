/**
 * Converts between the counts of the wire, whose totals include their parts (http-api 4.9.5), and the disjoint parts of a
 * {@link Usage}. No token is lost or doubled on the way.
 */
import { CostError } from '../errors.ts'
import { checkedCount, INPUT_UNITS, OUTPUT_UNITS, type Usage, type UsageUnit } from './usage.ts'

/** Counts as on the wire: `inputTokens` and `outputTokens` include their parts. */
export interface TokenCounts {
  readonly inputTokens?: number | undefined
  readonly cacheReadTokens?: number | undefined
  readonly cacheWriteTokens?: number | undefined
  readonly cacheWrite1hTokens?: number | undefined
  readonly audioInputTokens?: number | undefined
  readonly imageInputTokens?: number | undefined
  readonly outputTokens?: number | undefined
  readonly reasoningTokens?: number | undefined
  readonly audioOutputTokens?: number | undefined
  readonly imageOutputTokens?: number | undefined
  /** Only beside neither input nor output. */
  readonly totalTokens?: number | undefined
}

type PartField = readonly [field: keyof TokenCounts, unit: UsageUnit]

const INPUT_PARTS: readonly PartField[] = [
  ['cacheReadTokens', 'cacheRead'],
  ['cacheWriteTokens', 'cacheWrite'],
  ['cacheWrite1hTokens', 'cacheWrite1h'],
  ['audioInputTokens', 'audioInput'],
  ['imageInputTokens', 'imageInput'],
]
const OUTPUT_PARTS: readonly PartField[] = [
  ['reasoningTokens', 'reasoning'],
  ['audioOutputTokens', 'audioOutput'],
  ['imageOutputTokens', 'imageOutput'],
]

/**
 * Wire counts to parts. An explicit 0 stays 0, an absent count stays absent (PRI-17).
 *
 * @throws {CostError} INVALID_USAGE with every fault in `details.fields`: a count that is negative or not whole, parts above
 *   their total or without one (PRI-21), `totalTokens` beside a split, no count at all
 */
export function usageFromCounts(counts: TokenCounts): Usage {
  const faults: Record<string, string> = {}
  const usage: { [U in UsageUnit]?: number } = {}
  split(counts, 'inputTokens', 'input', INPUT_PARTS, usage, faults)
  split(counts, 'outputTokens', 'output', OUTPUT_PARTS, usage, faults)
  const total = read(counts, 'totalTokens', faults)
  if (total !== undefined) {
    if (Object.keys(usage).length > 0) faults['totalTokens'] = 'is only for calls without input and output counts'
    else usage.unsplit = total
  }
  if (Object.keys(faults).length > 0)
    throw new CostError('INVALID_USAGE', 'the token counts do not add up', { fields: faults })
  if (Object.keys(usage).length === 0) {
    throw new CostError('INVALID_USAGE', 'there is no token count', {
      fields: { $: 'at least one token count is needed' },
    })
  }
  return Object.freeze(usage)
}

function split(
  counts: TokenCounts,
  totalField: keyof TokenCounts,
  restUnit: UsageUnit,
  parts: readonly PartField[],
  usage: { [U in UsageUnit]?: number },
  faults: Record<string, string>,
): void {
  const total = read(counts, totalField, faults)
  let rest = total ?? 0
  for (const [field, unit] of parts) {
    const count = read(counts, field, faults)
    if (count === undefined) continue
    // Not the field's name: whoever reads this may know it by the one it has on the wire.
    if (counts[totalField] === undefined) faults[field] = `needs the ${restUnit} count that it is part of`
    usage[unit] = count
    rest -= count
  }
  if (total === undefined) return
  if (rest < 0) faults[totalField] = 'is less than its parts'
  usage[restUnit] = rest
}

function read(counts: TokenCounts, field: keyof TokenCounts, faults: Record<string, string>): number | undefined {
  const value: unknown = counts[field]
  if (value === undefined) return undefined
  try {
    return checkedCount(value, field)
  } catch {
    faults[field] = 'must be a whole number from 0'
    return undefined
  }
}

/**
 * The inverse of {@link usageFromCounts}; `totalTokens` is always set. Parts without a wire field of their own (cached
 * audio and images, video, citations) count in their total and, where they were cached, in `cacheReadTokens`.
 *
 * @throws {CostError} INVALID_USAGE for a count that is negative or not whole, or sums beyond 2^53
 */
export function countsOf(usage: Usage): TokenCounts {
  const inputTokens = total(usage, INPUT_UNITS)
  const outputTokens = total(usage, OUTPUT_UNITS)
  const cacheReadTokens = total(usage, ['cacheRead', 'audioCacheRead', 'imageCacheRead'])
  return Object.freeze({
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(cacheReadTokens === undefined ? {} : { cacheReadTokens }),
    ...present(usage, INPUT_PARTS.slice(1)),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...present(usage, OUTPUT_PARTS),
    totalTokens:
      total({ input: inputTokens, output: outputTokens, unsplit: usage.unsplit }, ['input', 'output', 'unsplit']) ?? 0,
  })
}

function present(usage: Usage, parts: readonly PartField[]): TokenCounts {
  return Object.fromEntries(
    parts.filter(([, unit]) => usage[unit] !== undefined).map(([field, unit]) => [field, usage[unit]]),
  )
}

function total(usage: Usage, units: readonly UsageUnit[]): number | undefined {
  let sum: number | undefined
  for (const unit of units) {
    const count = usage[unit]
    if (count !== undefined) sum = checkedCount((sum ?? 0) + checkedCount(count, unit), unit)
  }
  return sum
}
