/**
 * Metrics that are read where they are known, at the moment somebody scrapes. What costs a query is remembered for a while and
 * waited for only so long; a figure that could not be read is NaN, because 0 would be a lie.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type CommitMessage, COMMITS_CHANNEL, type IronDatabase } from '@iron/database'
import { type EndingMessage, LEASE_ENDINGS_CHANNEL, type Ledger, type LedgerTotals } from '@iron/lease-manager'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { EventLag } from './event-lag.ts'
import { inTime, remembered } from './remembered.ts'
import { SOCKET_KINDS, type SocketCounts } from './socket-counts.ts'

/** How long sums over all budgets are good for, in milliseconds: less than the usual time between two scrapes, 15 s. */
const TOTALS_REMEMBERED_MS = 10_000
/** The same of the event lag, which is a lookup. */
const LAG_REMEMBERED_MS = 1_000
/** How long a scrape waits for the database, in milliseconds. */
const SCRAPE_WAIT_MS = 2_000
/** Writes that share a commit: up to the 256 of a full group. */
const COMMIT_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const MICROS_PER_USD = 1_000_000

/** Ends what {@link watchDatabase} or {@link watchLeases} subscribed to. */
export type Unwatch = () => void

/** The balances of all agents, and the leases that hold money. */
export function watchLedger(registry: Registry, ledger: Pick<Ledger, 'totals'>): void {
  const read = remembered(TOTALS_REMEMBERED_MS, () => ledger.totals())
  const totals = (): Promise<LedgerTotals | undefined> => inTime(SCRAPE_WAIT_MS, read()).catch(() => undefined)
  const usd = (name: string, help: string, pick: (totals: LedgerTotals) => bigint): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const known = await totals()
        this.set(known === undefined ? Number.NaN : Number(pick(known)) / MICROS_PER_USD)
      },
    })
  }
  usd('iron_budget_allocated_usd', 'Allocated to all agents, in US dollars', ({ allocated }) => allocated)
  usd('iron_budget_reserved_usd', 'Reserved on the budgets of all agents, in US dollars', ({ reserved }) => reserved)
  usd('iron_budget_spent_usd', 'Spent by all agents, in US dollars', ({ spent }) => spent)
  usd(
    'iron_budget_outstanding_usd',
    'The most that can still be spent if no server answered from now on: what open leases hold, in US dollars',
    ({ outstanding }) => outstanding,
  )
  new Gauge({
    name: 'iron_leases',
    help: 'Open leases, by state; expired ones are in their grace',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      const known = await totals()
      this.set({ state: 'active' }, known?.active ?? Number.NaN)
      this.set({ state: 'expired' }, known?.expired ?? Number.NaN)
    },
  })
}

/** Leases that ended in this process. */
export function watchLeases(registry: Registry): Unwatch {
  const endings = new Counter({
    name: 'iron_lease_endings_total',
    help: 'Leases ended by this process, by reason',
    labelNames: ['reason'],
    registers: [registry],
  })
  return watchChannel(LEASE_ENDINGS_CHANNEL, (message) =>
    endings.inc({ reason: (message as EndingMessage).closeReason }),
  )
}

/** The queue in front of the database, and how many writes share a commit. */
export function watchDatabase(registry: Registry, database: Pick<IronDatabase, 'waiting'>): Unwatch {
  new Gauge({
    name: 'iron_database_waiting_calls',
    help: 'Calls that wait for the writer (SQLite) or for a connection (PostgreSQL)',
    registers: [registry],
    collect() {
      this.set(database.waiting)
    },
  })
  const commits = new Histogram({
    name: 'iron_database_commit_writes',
    help: 'Writes that shared a commit of this process',
    buckets: COMMIT_BUCKETS,
    registers: [registry],
  })
  return watchChannel(COMMITS_CHANNEL, (message) => commits.observe((message as CommitMessage).writes))
}

/** How far live events are behind. */
export function watchEvents(registry: Registry, eventLag: Pick<EventLag, 'ms'>): void {
  const lag = remembered(LAG_REMEMBERED_MS, () => eventLag.ms())
  new Gauge({
    name: 'iron_event_lag_seconds',
    help: 'Age of the oldest committed event that this process has not seen',
    registers: [registry],
    async collect() {
      this.set(
        await inTime(SCRAPE_WAIT_MS, lag()).then(
          (ms) => ms / 1_000,
          () => Number.NaN,
        ),
      )
    },
  })
}

/** WebSocket connections. */
export function watchSockets(registry: Registry, sockets: SocketCounts): void {
  new Gauge({
    name: 'iron_websocket_connections',
    help: 'Open WebSocket connections, by credential',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const kind of SOCKET_KINDS) this.set({ kind }, sockets.open.get(kind) ?? 0)
    },
  })
  new Counter({
    name: 'iron_websocket_closes_total',
    help: 'WebSocket connections that ended, by close code',
    labelNames: ['code'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [code, count] of sockets.ended) this.inc({ code }, count)
    },
  })
}

/** What the verification jobs of this process found, and when. */
export class VerificationWatch {
  readonly #ledgerFaults = new Gauge({
    name: 'iron_ledger_faults',
    help: 'Differences between balances and ledger that the last verification found, and those in ledgers verified in full',
    registers: [],
  })
  readonly #verifiedAt = new Gauge({
    name: 'iron_ledger_verified_timestamp_seconds',
    help: 'When the last verification of all balances ended; 0 before the first',
    registers: [],
  })
  readonly #ledgersPassedAt = new Gauge({
    name: 'iron_ledger_pass_timestamp_seconds',
    help: 'When every ledger had last been verified in full; 0 before the first time',
    registers: [],
  })
  readonly #auditFaults = new Gauge({
    name: 'iron_audit_faults',
    help: '1 while the audit log has an entry that does not fit its chain, or ends before one that was there',
    registers: [],
  })
  readonly #auditPassedAt = new Gauge({
    name: 'iron_audit_pass_timestamp_seconds',
    help: 'When the whole audit log had last been verified, up to its head or a bad entry; 0 before the first time',
    registers: [],
  })

  registerIn(registry: Registry): void {
    const gauges = [this.#ledgerFaults, this.#verifiedAt, this.#ledgersPassedAt, this.#auditFaults, this.#auditPassedAt]
    for (const gauge of gauges) registry.registerMetric(gauge)
  }

  /** How many differences are known now. */
  foundInLedgers(faults: number): void {
    this.#ledgerFaults.set(faults)
  }

  balancesVerified(atMs: number): void {
    this.#verifiedAt.set(atMs / 1_000)
  }

  ledgersPassed(atMs: number): void {
    this.#ledgersPassedAt.set(atMs / 1_000)
  }

  foundInAudit(isBad: boolean): void {
    this.#auditFaults.set(isBad ? 1 : 0)
  }

  auditPassed(atMs: number): void {
    this.#auditPassedAt.set(atMs / 1_000)
  }
}

function watchChannel(name: string, note: (message: unknown) => void): Unwatch {
  subscribe(name, note)
  return () => {
    unsubscribe(name, note)
  }
}
