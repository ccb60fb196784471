/**
 * Reads an agent's ledger from its first row and recomputes what every row should say: numbers, balances, floor of available, and
 * the hash chain (checks 1, 7 and 9 of budget protocol 3.5). Constant memory: rows come in pages.
 */
import { CostError, type Microdollars, ZERO } from '@iron/cost-calculator'
import { type LedgerEntriesTable, prepare, type ReadTx } from '@iron/database'
import { tally } from '../amount.ts'
import { ChainWalk, type LedgerHead } from './chain-walk.ts'
import { available, changesAllocation, type LedgerType, moved, type Stored } from './movement.ts'
import type { LedgerFault } from './soundness.ts'

/** Rows read at once, and hashed in some 2 ms: a server that verifies beside its work keeps nobody waiting for longer. */
const PAGE_ROWS = 250

/** Sums of the rows that name a lease: what the lease row should say. */
export interface LeaseSums {
  readonly granted: Microdollars
  readonly spent: Microdollars
  readonly overrun: Microdollars
  readonly released: Microdollars
}

/** What the rows of a ledger add up to. */
export interface Replay {
  readonly stored: Stored
  readonly version: number
  readonly seq: number
  /** Of the last row, as it is stored. */
  readonly hash: string
  /** Of the row that was asked for as `headSeq`; undefined when it is not there. */
  readonly hashAtHead: string | undefined
  /** Time of the last row. */
  readonly at: number | undefined
  readonly leases: ReadonlyMap<string, LeaseSums>
  /** Sums of the rows without lease: charges and credits of admins. */
  readonly charged: Microdollars
  readonly credited: Microdollars
  readonly faults: readonly LedgerFault[]
}

type Row = Readonly<LedgerEntriesTable>

const page = prepare<{ agentId: string; after: number }, Row>((db, p) =>
  db
    .selectFrom('ledger_entries')
    .select([
      'agent_id',
      'seq',
      'type',
      'amount_micros',
      'lease_id',
      'request_id',
      'budget_request_id',
      'version',
      'allocated_after',
      'reserved_after',
      'spent_after',
      'actor_id',
      'reason',
      'created_at',
      'hash',
    ])
    .where('agent_id', '=', p('agentId'))
    .where('seq', '>', p('after'))
    .orderBy('seq')
    .limit(PAGE_ROWS),
)

type MutableSums = { -readonly [K in keyof LeaseSums]: LeaseSums[K] }
const SUM_OF: Partial<Record<LedgerType, keyof LeaseSums>> = {
  grant: 'granted',
  spend: 'spent',
  overrun: 'overrun',
  release: 'released',
}

/** What a replay is held against. */
export interface ReplayOptions {
  /** Heads of this agent that were kept elsewhere. */
  readonly expected?: readonly LedgerHead[] | undefined
  /** The number of the last row, as the budget row says. */
  readonly headSeq?: number | undefined
}

/** Replays an agent's rows. */
export async function replayLedger(tx: ReadTx, agentId: string, options: ReplayOptions = {}): Promise<Replay> {
  const replay = new Replaying(agentId, options)
  let next = page.all(tx, { agentId, after: 0 })
  for (;;) {
    const rows = await next
    const last = rows.at(-1)
    if (last === undefined) return replay.result()
    // The next page is read while this one is hashed.
    next = page.all(tx, { agentId, after: last.seq })
    next.catch(toldWhenAwaited)
    for (const row of rows) replay.see(row)
  }
}

/** A page that fails while rows are looked at is told when it is its turn. */
function toldWhenAwaited(): void {}

/** The state of a replay between two rows. */
class Replaying {
  readonly #agentId: string
  readonly #chain: ChainWalk
  readonly #headSeq: number | undefined
  #hashAtHead: string | undefined
  readonly #faults: LedgerFault[] = []
  readonly #known = new Set<string>()
  readonly #leases = new Map<string, MutableSums>()
  #stored: Stored = { allocated: ZERO, reserved: ZERO, spent: ZERO }
  #version = 0
  #at: number | undefined
  #charged = ZERO
  #credited = ZERO

  constructor(agentId: string, { expected, headSeq }: ReplayOptions) {
    this.#agentId = agentId
    this.#headSeq = headSeq
    this.#chain = new ChainWalk(expected)
  }

  get seq(): number {
    return this.#chain.head.seq
  }

  see(row: Row): void {
    this.#chain.see(row)
    if (row.seq === this.#headSeq) this.#hashAtHead = row.hash
    this.#move(row)
    if (changesAllocation(row.type)) this.#version += 1
    if (row.version !== this.#version) this.#fault('row version', row.seq, row.version, this.#version)
    this.#sum(row)
    this.#at = row.created_at
  }

  result(): Replay {
    const broken = this.#chain.end()
    const inChain: LedgerFault[] =
      broken === undefined
        ? []
        : [{ agentId: this.#agentId, seq: broken.seq, what: broken.what, cached: broken.found, ledger: broken.seq }]
    return {
      stored: this.#stored,
      version: this.#version,
      seq: this.seq,
      hash: this.#chain.head.hash,
      hashAtHead: this.#hashAtHead,
      at: this.#at,
      leases: this.#leases,
      charged: this.#charged,
      credited: this.#credited,
      faults: [...inChain, ...this.#faults],
    }
  }

  #move(row: Row): void {
    const after = balancesAfter(this.#stored, row)
    if (after === undefined) {
      // Nothing follows from such an amount: the next rows are held against what this one says.
      this.#fault('row amount', row.seq, row.amount_micros, ZERO)
      this.#stored = { allocated: row.allocated_after, reserved: row.reserved_after, spent: row.spent_after }
      return
    }
    this.#stored = after
    this.#compare('row allocated', row.seq, row.allocated_after, after.allocated)
    this.#compare('row reserved', row.seq, row.reserved_after, after.reserved)
    this.#compare('row spent', row.seq, row.spent_after, after.spent)
    const left = available(after)
    if ((row.type === 'grant' || row.type === 'deallocate') && left < ZERO) {
      this.#fault('row available', row.seq, ZERO, left)
    }
    const least = Math.min(after.reserved, after.spent)
    if (least < ZERO) this.#fault('row below zero', row.seq, ZERO, least)
  }

  #sum(row: Row): void {
    const field = SUM_OF[row.type]
    if (row.lease_id !== null && field !== undefined) {
      const sums = this.#sumsOf(row.lease_id)
      sums[field] = tally(sums[field], row.amount_micros)
    } else if (row.type === 'overrun') this.#charged = tally(this.#charged, row.amount_micros)
    else if (row.type === 'adjust') this.#credited = tally(this.#credited, row.amount_micros)
  }

  #sumsOf(leaseId: string): MutableSums {
    let sums = this.#leases.get(leaseId)
    if (sums === undefined)
      this.#leases.set(leaseId, (sums = { granted: ZERO, spent: ZERO, overrun: ZERO, released: ZERO }))
    return sums
  }

  #compare(what: string, seq: number, cached: number, ledger: number): void {
    if (cached !== ledger) this.#fault(what, seq, cached, ledger)
  }

  /** The first fault of each kind is named: what follows from it would only repeat it. */
  #fault(what: string, seq: number, cached: number, ledger: number): void {
    if (this.#known.has(what)) return
    this.#known.add(what)
    this.#faults.push({ agentId: this.#agentId, seq, what, cached, ledger })
  }
}

/** The balances after a row; none when a damaged amount leads beyond 2^53. */
function balancesAfter(before: Stored, row: Row): Stored | undefined {
  try {
    const after = moved(before, row.type, row.amount_micros)
    available(after)
    return after
  } catch (error) {
    if (error instanceof CostError) return undefined
    throw error
  }
}
