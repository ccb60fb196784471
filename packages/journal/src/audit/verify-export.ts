import { type Chain, chainWith } from './chain.ts'
import type { AuditRow } from './entry.ts'
import { type AuditHead, type AuditVerification, verifyChain } from './verify-chain.ts'

/** Columns of an exported row and what they may hold. */
const COLUMNS: Readonly<Record<keyof AuditRow, 'number' | 'string' | 'string?'>> = {
  seq: 'number',
  id: 'string',
  at: 'number',
  actor_type: 'string',
  actor_id: 'string',
  actor_user_id: 'string?',
  actor_role: 'string?',
  operation: 'string',
  resource_type: 'string',
  resource_id: 'string?',
  http_request_id: 'string?',
  ip: 'string?',
  user_agent: 'string?',
  changes: 'string?',
  reason: 'string?',
  metadata: 'string',
  prev_hash: 'string',
  hash: 'string',
}

/** Options of {@link verifyExport}. */
export interface VerifyExportOptions {
  readonly hmacKey?: Uint8Array | undefined
  /** The entry before the first line, for a part that was exported with `after`. Default: the export starts at entry 1. */
  readonly after?: AuditHead | undefined
  /** A head kept elsewhere: shows an export that was cut off. */
  readonly expect?: AuditHead | undefined
}

/**
 * Verifies exported lines without a database, in constant memory. A part that was exported with `after` is verified behind the
 * parts before it, or alone with the hash of the entry it follows.
 */
export async function verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  options: VerifyExportOptions = {},
): Promise<AuditVerification> {
  const chain: Chain = chainWith(options.hmacKey)
  const { after, expect } = options
  return verifyChain(parseLines(lines), chain, { after, expect })
}

/** One row as one line: its columns as they are stored. */
export function exportLine(row: AuditRow): string {
  return JSON.stringify(Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, row[name as keyof AuditRow]])))
}

async function* parseLines(lines: AsyncIterable<string> | Iterable<string>): AsyncIterable<AuditRow | null> {
  for await (const line of lines) if (line.trim() !== '') yield parseLine(line)
}

/**
 * How many names a line of flat JSON has, repeated ones included: the parser takes the last of those, a reader may take the first.
 * Each is followed by a colon, and no other colon stands outside of a text.
 */
function countNames(line: string): number {
  let names = 0
  let inText = false
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at]
    if (character === '"') inText = !inText
    else if (inText && character === '\\') at += 1
    else if (!inText && character === ':') names += 1
  }
  return names
}

/** A line that holds anything but exactly the columns of a row, each once, is not one of ours. */
function parseLine(line: string): AuditRow | null {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const row = value as Record<string, unknown>
  const names = Object.keys(COLUMNS)
  const valid =
    Object.keys(row).length === names.length &&
    countNames(line) === names.length &&
    Object.entries(COLUMNS).every(([name, type]) => {
      if (!Object.hasOwn(row, name)) return false
      return type === 'string?' ? row[name] === null || typeof row[name] === 'string' : typeof row[name] === type
    })
  return valid ? (row as unknown as AuditRow) : null
}
