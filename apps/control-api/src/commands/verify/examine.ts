/**
 * Recomputes everything that a database says of itself: its file, its schema, the audit chain, every agent's ledger and balances, the
 * sums of lists. It changes nothing, and what cannot even be read is a finding like any other: the rest is looked at nevertheless.
 */
import { DatabaseError, type IronDatabase, verifyFile, verifyKeptSums, verifySchema } from '@iron/database'
import type { AuditLog } from '@iron/journal'
import { Ledger, type LedgerFault, type LedgerHead } from '@iron/lease-manager'
import { safeText } from '../../observability/logger.ts'
import type { KeptHeads } from '../heads.ts'
import {
  type AuditFindings,
  type FileFindings,
  type Findings,
  findingsOfAgent,
  type LedgerFindings,
  type ListFindings,
  type SchemaFindings,
} from './findings.ts'
import { batchesOf, verifyBatch, type VerifiedRows } from './ledger-batches.ts'
import { verifyInThreads } from './ledger-threads.ts'

/** Ledger rows from which starting threads is worth it: about a second of work for one. */
const THREADED_ROWS_MIN = 100_000

/** How an examination is done. */
export interface ExamineOptions {
  /** The database's address: with it a large ledger is verified in threads, each on connections of its own. */
  readonly url?: string | undefined
  /** Default {@link THREADED_ROWS_MIN}. */
  readonly threadedRowsMin?: number | undefined
  /** Told how many ledger rows have been verified, of how many. */
  readonly onVerified?: VerifiedRows | undefined
}

/** Examines a database, and holds it against heads that were kept elsewhere. */
export async function examine(
  database: IronDatabase,
  audit: AuditLog,
  kept: KeptHeads,
  options: ExamineOptions = {},
): Promise<Findings> {
  const [file, findings] = await Promise.all([
    examineFile(database),
    examineSchema(database).then(async (schema) => ({
      schema,
      ...(await examineRows(database, audit, kept, options)),
    })),
  ])
  return { ok: file?.ok !== false && Object.values(findings).every(({ ok }) => ok), file, ...findings }
}

/** The rows alone. */
export async function examineRows(
  database: IronDatabase,
  audit: AuditLog,
  kept: KeptHeads,
  options: ExamineOptions = {},
): Promise<Pick<Findings, 'audit' | 'ledger' | 'lists'>> {
  // The chain of the audit log is walked by this thread, while others walk those of the ledgers.
  const [ledger, others] = await Promise.all([
    examineLedger(new Ledger(database), kept, options),
    examineAudit(audit, kept).then(async (found) => ({ audit: found, lists: await examineLists(database) })),
  ])
  return { ledger, ...others }
}

/** Null of an engine that looks after its own pages. */
async function examineFile(database: IronDatabase): Promise<FileFindings | null> {
  if (database.dialect !== 'sqlite') return null
  try {
    const damages = await verifyFile(database)
    return { ok: damages.length === 0, damages, problem: null }
  } catch (error) {
    return { ok: false, damages: [], problem: textOf(error) }
  }
}

async function examineSchema(database: IronDatabase): Promise<SchemaFindings> {
  try {
    await verifySchema(database)
    return { ok: true, problem: null, differences: [] }
  } catch (error) {
    const details = error instanceof DatabaseError ? error.details : {}
    const differences = (details['differences'] ?? []) as SchemaFindings['differences']
    return { ok: false, problem: textOf(error), differences }
  }
}

async function examineAudit(audit: AuditLog, { audit: expect }: KeptHeads): Promise<AuditFindings> {
  try {
    const result = await audit.verify({ expect })
    const bad = result.ok ? { seq: null, fault: null } : { seq: result.seq, fault: result.fault }
    return { ok: result.ok, head: result.head, ...bad, problem: null }
  } catch (error) {
    return { ok: false, head: null, seq: null, fault: null, problem: textOf(error) }
  }
}

async function examineLedger(
  ledger: Ledger,
  { ledger: expect }: KeptHeads,
  options: ExamineOptions,
): Promise<LedgerFindings> {
  const heads: LedgerHead[] = []
  try {
    for await (const head of ledger.heads()) heads.push(head)
    const faults = Map.groupBy(await ledgerFaults(ledger, heads, expect, options), ({ agentId }) => agentId)
    for await (const stray of ledger.strays()) if (!faults.has(stray.agentId)) faults.set(stray.agentId, [stray])
    const agents = [...faults]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([agentId, ofAgent]) => findingsOfAgent(agentId, ofAgent))
    return { ok: agents.length === 0, heads, agents, problem: null }
  } catch (error) {
    return { ok: false, heads, agents: [], problem: textOf(error) }
  }
}

async function examineLists(database: IronDatabase): Promise<ListFindings> {
  try {
    const differences = await verifyKeptSums(database)
    return { ok: differences.length === 0, differences, problem: null }
  } catch (error) {
    return { ok: false, differences: [], problem: textOf(error) }
  }
}

async function ledgerFaults(
  ledger: Ledger,
  heads: readonly LedgerHead[],
  expect: readonly LedgerHead[],
  { url, threadedRowsMin = THREADED_ROWS_MIN, onVerified }: ExamineOptions,
): Promise<readonly LedgerFault[]> {
  const { batches, rows } = batchesOf(heads, expect)
  let verified = 0
  const seen = (more: number): void => onVerified?.((verified += more), rows)
  if (url !== undefined && rows >= threadedRowsMin) return verifyInThreads(url, batches, seen)
  const faults: LedgerFault[] = []
  for (const batch of batches) {
    faults.push(...(await verifyBatch(ledger, batch)))
    seen(batch.rows)
  }
  return faults
}

function textOf(error: unknown): string {
  return safeText(error instanceof Error ? error.message : String(error))
}
