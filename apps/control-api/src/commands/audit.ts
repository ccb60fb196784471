/** The audit log outside of its database: exported as lines of JSON, and verified without a database. */
import { createReadStream } from 'node:fs'
import { verifySchema } from '@iron/database'
import { type AuditHead, type AuditVerification, verifyExport, type VerifyExportOptions } from '@iron/journal'
import { auditKeyOf } from '../audit-log.ts'
import { loadConfig } from '../config.ts'
import { exportLog } from './audit/export-log.ts'
import { readLines } from './audit/lines.ts'
import { auditLogOf, openAsItIs } from './examined-database.ts'
import { formatHead, parseAuditHead } from './heads.ts'
import { isClosedPipe } from './lost-output.ts'

/** `iron audit export`: every entry after a number to stdout; where it ends goes to stderr. */
export async function exportAudit({ after }: { readonly after?: number | undefined }): Promise<void> {
  const config = loadConfig()
  await using database = await openAsItIs(config)
  try {
    const { entries, head } = await exportLog(auditLogOf(database, config), after ?? 0, process.stdout)
    const end = head === undefined ? '' : `, head ${formatHead(head)}`
    process.stderr.write(`exported ${String(entries)} entries${end}\n`)
  } catch (error) {
    // Whoever reads has read enough, as `head` does.
    if (isClosedPipe(error)) return
    // A database that is none of Iron's says so, and not which table it lacks.
    await verifySchema(database)
    throw error
  }
}

/** How `iron audit verify` is called. */
export interface VerifyAuditOptions {
  /** `<seq>:<hash>` of the entry that the first line follows, for an export that was made with `--after`. */
  readonly after?: string | undefined
  /** `<seq>:<hash>` of an entry that must be there. */
  readonly expect?: string | undefined
  readonly json?: boolean | undefined
}

/** `iron audit verify`: walks the chain of an export without a database. Exit code 1 names the first bad line. */
export async function verifyAudit(file: string, options: VerifyAuditOptions): Promise<void> {
  const after = options.after === undefined ? undefined : parseAuditHead(options.after)
  const expect = options.expect === undefined ? undefined : parseAuditHead(options.expect)
  const input = file === '-' ? process.stdin : createReadStream(file)
  const verification = await verifyLines(input, { after, expect, hmacKey: auditKeyOf(loadConfig()) })
  process.stdout.write(`${options.json === true ? JSON.stringify(verification) : textOf(verification)}\n`)
  if (!verification.ok) process.exitCode = 1
}

/** The verification of an export, with the number of the first bad line. */
export type ExportVerification =
  | Extract<AuditVerification, { ok: true }>
  | (Extract<AuditVerification, { ok: false }> & {
      readonly line: number
      /** Whether the line is an entry at all: an export that was tampered with, and not some other file. */
      readonly entry: boolean
    })

/** Verifies what a stream holds. */
export async function verifyLines(
  input: AsyncIterable<Uint8Array | string>,
  options: VerifyExportOptions,
): Promise<ExportVerification> {
  let last = ''
  async function* lines(): AsyncIterable<string> {
    for await (last of readLines(input)) yield last
  }
  const verification = await verifyExport(lines(), options)
  if (verification.ok) return verification
  // Lines and entries go together up to the first bad one, which is the last that was read.
  return {
    ...verification,
    line: verification.seq - (options.after?.seq ?? 0),
    entry: verification.fault !== 'changed' || isEntry(last),
  }
}

function isEntry(line: string): boolean {
  try {
    const { seq, hash } = JSON.parse(line) as Partial<AuditHead>
    return Number.isInteger(seq) && typeof hash === 'string'
  } catch {
    return false
  }
}

function textOf(verification: ExportVerification): string {
  if (verification.ok) return `audit ok, up to entry ${formatHead(verification.head)}`
  const { seq, line, fault, entry } = verification
  if (!entry) return `line ${String(line)} is no entry of an audit log`
  const hint = line === 1 && fault === 'changed' ? ' (or written with another IRON_AUDIT_KEY)' : ''
  return `line ${String(line)}: entry ${String(seq)} is ${fault}${hint}`
}
