import type { Usage } from '@iron/cost-calculator'
import { canonicalJson } from '@iron/database'
import type { RequestRow } from './row.ts'

type Unit = keyof Usage
type Side = 'input' | 'output' | 'unsplit' | 'item'

/** On which side of a call a unit counts; items are no tokens. */
const SIDES: Readonly<Record<Unit, Side>> = {
  input: 'input',
  cacheRead: 'input',
  cacheWrite: 'input',
  cacheWrite1h: 'input',
  audioInput: 'input',
  audioCacheRead: 'input',
  imageInput: 'input',
  imageCacheRead: 'input',
  videoInput: 'input',
  output: 'output',
  reasoning: 'output',
  citation: 'output',
  audioOutput: 'output',
  imageOutput: 'output',
  videoOutput: 'output',
  unsplit: 'unsplit',
  audioSeconds: 'item',
  webSearches: 'item',
  storageSearches: 'item',
  documentPages: 'item',
  requests: 'item',
}

/** The units of a usage, for checking one that comes from outside. */
export const USAGE_UNITS: ReadonlySet<string> = new Set(Object.keys(SIDES))

/** Units with a column of their own; the rest is kept as `other_parts`. */
type ColumnUnit = 'input' | 'output' | 'cacheRead' | 'cacheWrite' | 'reasoning'
const WITH_COLUMN: ReadonlySet<string> = new Set<ColumnUnit>([
  'input',
  'output',
  'cacheRead',
  'cacheWrite',
  'reasoning',
])

/** The token columns of a request row; `input_tokens` and `output_tokens` include their parts. */
export type TokenColumns = Pick<
  RequestRow,
  | 'input_tokens'
  | 'cache_read_tokens'
  | 'cache_write_tokens'
  | 'output_tokens'
  | 'reasoning_tokens'
  | 'other_parts'
  | 'total_tokens'
>

/** The parts told of, without members that are `undefined`; `undefined` when none is. */
export function toldParts(usage: Usage | undefined): Usage | undefined {
  if (usage === undefined) return undefined
  const told = (Object.entries(usage) as [Unit, number | undefined][]).filter(([, count]) => count !== undefined)
  return told.length === 0 ? undefined : Object.fromEntries(told)
}

/** Splits a usage into the columns of its row. Null means: not told. */
export function tokenColumns(usage: Usage | undefined): TokenColumns {
  let input: number | null = null
  let output: number | null = null
  let unsplit = 0
  let other: Record<string, number> | undefined
  for (const [unit, count] of Object.entries(toldParts(usage) ?? {}) as [Unit, number][]) {
    if (SIDES[unit] === 'input') input = (input ?? 0) + count
    else if (SIDES[unit] === 'output') output = (output ?? 0) + count
    else if (SIDES[unit] === 'unsplit') unsplit += count
    if (!WITH_COLUMN.has(unit)) (other ??= {})[unit] = count
  }
  return {
    input_tokens: input,
    cache_read_tokens: usage?.cacheRead ?? null,
    cache_write_tokens: usage?.cacheWrite ?? null,
    output_tokens: output,
    reasoning_tokens: usage?.reasoning ?? null,
    other_parts: other === undefined ? null : canonicalJson(other),
    total_tokens: (input ?? 0) + (output ?? 0) + unsplit,
  }
}

/** The usage a row tells of, or null when it tells of none. */
export function usageOf(row: TokenColumns): Usage | null {
  const usage: Partial<Record<Unit, number>> =
    row.other_parts === null ? {} : (JSON.parse(row.other_parts) as Partial<Record<Unit, number>>)
  if (row.cache_read_tokens !== null) usage.cacheRead = row.cache_read_tokens
  if (row.cache_write_tokens !== null) usage.cacheWrite = row.cache_write_tokens
  if (row.reasoning_tokens !== null) usage.reasoning = row.reasoning_tokens
  const plainInput = remainder(row.input_tokens, usage, 'input')
  const plainOutput = remainder(row.output_tokens, usage, 'output')
  if (plainInput !== undefined) usage.input = plainInput
  if (plainOutput !== undefined) usage.output = plainOutput
  return Object.keys(usage).length === 0 ? null : Object.freeze(usage as Usage)
}

/** What a whole has beyond its parts. */
function remainder(whole: number | null, usage: Partial<Record<Unit, number>>, side: Side): number | undefined {
  if (whole === null) return undefined
  let rest = whole
  for (const [unit, count] of Object.entries(usage) as [Unit, number][]) if (SIDES[unit] === side) rest -= count
  return rest
}
