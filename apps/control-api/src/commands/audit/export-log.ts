import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AuditHead, AuditLog } from '@iron/journal'

/** What was exported: nothing, or up to where. */
export interface Exported {
  readonly entries: number
  /** Of the last line. */
  readonly head: AuditHead | undefined
}

/** Writes the entries after a number as lines of JSON, no faster than they are taken. The output is left open. */
export async function exportLog(audit: AuditLog, after: number, output: Writable): Promise<Exported> {
  let entries = 0
  let last: string | undefined
  async function* lines(): AsyncIterable<string> {
    for await (const line of audit.export({ after })) {
      entries += 1
      last = line
      yield `${line}\n`
    }
  }
  await pipeline(Readable.from(lines(), { highWaterMark: 1 }), output, { end: false })
  return { entries, head: last === undefined ? undefined : headOf(last) }
}

function headOf(line: string): AuditHead {
  const { seq, hash } = JSON.parse(line) as AuditHead
  return { seq, hash }
}
