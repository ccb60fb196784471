/**
 * Whether the books still agree with themselves, found out beside the work of the server: balances and leases of all agents every
 * minute, every ledger and the whole audit log in slices, again and again (budget-protocol 3.5, OPS-10). Nothing is repaired.
 * Every process looks for itself: what it has found is its own readiness and its own metrics.
 */
import type { LedgerFault, LedgerHead } from '@iron/lease-manager'
import type { Logger } from '../observability/logger.ts'
import type { Services } from '../services.ts'
import { AuditPass } from './audit-pass.ts'
import { LedgerPass } from './ledger-pass.ts'
import type { Timers } from './timers.ts'

/** How often balances and leases are looked at, in milliseconds. */
const BALANCES_EVERY_MS = 60_000
/** How often slices are verified, in milliseconds: what a slice holds is looked at within a minute. */
const SLICES_EVERY_MS = 30_000
/**
 * How long a slice of the ledgers, and one of the audit log, takes, in milliseconds: less than a fiftieth of a processor in all. At
 * 10 µs a row that is some 25,000 rows of each, 70 million a day.
 */
const SLICE_MS = 250
/** Ledger rows from which a thread of its own verifies a ledger: a second of work. */
const THREAD_ROWS_MIN = 100_000
/** How soon every ledger shall have been verified, in milliseconds; when it takes longer, that is said. */
const PASS_MAX_MS = 86_400_000
/** A database that no other thread can open. */
const IN_MEMORY = 'sqlite::memory:'
/** Differences told in one line of the log. */
const FAULTS_TOLD_MAX = 20

/** What is verified, and who is told. */
export interface Books extends Pick<Services, 'database' | 'ledger' | 'audit'> {
  readonly readiness: Pick<Services['readiness'], 'noteLedger'>
  readonly metrics: Pick<Services['metrics'], 'verification'>
}

/** How it is done; for tests. */
export interface VerifyBooksOptions {
  readonly sliceMs?: number | undefined
  readonly threadRowsMin?: number | undefined
}

/** @param url where threads find the database */
export function verifyBooks(
  timers: Pick<Timers, 'every'>,
  services: Books,
  url: string,
  logger: Pick<Logger, 'error' | 'warn'>,
  { sliceMs = SLICE_MS, threadRowsMin = THREAD_ROWS_MIN }: VerifyBooksOptions = {},
): void {
  const { database, ledger, audit, readiness } = services
  const { verification } = services.metrics
  const elsewhere = { rowsMin: threadRowsMin, verify: (head: LedgerHead) => verifyInThread(url, head) }
  const ledgers = new LedgerPass({ ledger, ...(database.url !== IN_MEMORY && { elsewhere }) })
  let ofBalances: readonly LedgerFault[] = []
  let strays: readonly LedgerFault[] = []
  const tellLedgers = (found: readonly LedgerFault[]): void => {
    const all = distinct([...ofBalances, ...ledgers.faults, ...strays])
    readiness.noteLedger(all.length === 0)
    verification.foundInLedgers(all.length)
    if (found.length === 0) return
    logger.error({ faults: found.slice(0, FAULTS_TOLD_MAX), count: found.length }, 'ledger mismatch')
  }
  const verifyBalances = async (): Promise<void> => {
    ofBalances = await ledger.verify({ quick: true })
    tellLedgers(ofBalances)
    verification.balancesVerified(database.clock.now())
  }
  let passBeganAt = database.clock.now()
  const verifyLedgers = async (): Promise<void> => {
    const isPassed = await ledgers.slice(sliceMs)
    // A pass goes from budget to budget: it does not come by a ledger that has none any more.
    if (isPassed) strays = await allOf(ledger.strays())
    tellLedgers([...ledgers.faults, ...strays])
    if (!isPassed) return
    const now = database.clock.now()
    verification.ledgersPassed(now)
    if (now - passBeganAt > PASS_MAX_MS)
      logger.warn({ ms: now - passBeganAt }, 'verifying every ledger took over a day')
    passBeganAt = now
  }
  const auditLog = new AuditPass(audit)
  const verifyAudit = async (): Promise<void> => {
    const isPassed = await auditLog.slice(sliceMs)
    const { bad } = auditLog
    verification.foundInAudit(bad !== undefined)
    if (bad !== undefined) logger.error(bad, 'audit log is not what was written')
    if (isPassed) verification.auditPassed(database.clock.now())
  }
  timers.every('verify', BALANCES_EVERY_MS, verifyBalances, { atOnce: true })
  timers.every('verify-ledgers', SLICES_EVERY_MS, verifyLedgers)
  timers.every('verify-audit', SLICES_EVERY_MS, verifyAudit)
}

/** What verifies in threads is loaded when it is needed. */
async function verifyInThread(url: string, head: LedgerHead): Promise<readonly LedgerFault[]> {
  const { batchesOf } = await import('../commands/verify/ledger-batches.ts')
  const { verifyInThreads } = await import('../commands/verify/ledger-threads.ts')
  return verifyInThreads(url, batchesOf([head], []).batches, () => undefined)
}

async function allOf<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Some differences are found by both looks. */
function distinct(faults: readonly LedgerFault[]): readonly LedgerFault[] {
  return [...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values()]
}
