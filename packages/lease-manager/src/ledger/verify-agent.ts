/** The nine checks of budget protocol 3.5 on one agent, in one snapshot. Finds, names, and never repairs. */
import { type Microdollars, minus, ZERO } from '@iron/cost-calculator'
import { prepare, type ReadTx } from '@iron/database'
import type { EventLog } from '@iron/journal'
import { tally } from '../amount.ts'
import { type BudgetState, readBudget } from '../budget/budget-row.ts'
import { holdOf, isOpen, type LeaseState } from '../lease/lease.ts'
import { LEASE_COLUMNS, type LeaseRow, leaseState } from '../lease/lease-row.ts'
import type { LedgerHead } from './chain-walk.ts'
import { type Replay, replayLedger } from './replay-ledger.ts'
import { decideSound, type LedgerFault, readLastEntry } from './soundness.ts'

/** Leases read at once. */
const PAGE_LEASES = 1_000
/** Events read at once; the journal's own bound. */
const PAGE_EVENTS = 1_000

const leasePage = prepare<{ agentId: string; after: string }, LeaseRow>((db, p) =>
  db
    .selectFrom('leases as l')
    .select(LEASE_COLUMNS)
    .select((eb) =>
      eb.selectFrom('leases as n').select('n.id').whereRef('n.supersedes', '=', 'l.id').as('superseded_by'),
    )
    .where('l.agent_id', '=', p('agentId'))
    .where('l.id', '>', p('after'))
    .orderBy('l.id')
    .limit(PAGE_LEASES),
)

const activeLeases = prepare<{ agentId: string }, LeaseRow>((db, p) =>
  db
    .selectFrom('leases as l')
    .select(LEASE_COLUMNS)
    .select((eb) => eb.val<string | null>(null).as('superseded_by'))
    .where('l.agent_id', '=', p('agentId'))
    .where('l.status', '=', 'active'),
)

/** What the agent's calls on each lease cost, pruned ones included. Read-only on the journal's tables (data-model 4). */
const leaseCosts = prepare<{ agentId: string }, { lease_id: string; cost: Microdollars }>((db, p) =>
  db
    .selectFrom(
      db
        .selectFrom('requests')
        .select(['lease_id', 'cost_micros'])
        .where('subject_id', '=', p('agentId'))
        .where('billed', '=', 1)
        .where('lease_id', 'is not', null)
        .unionAll(
          db
            .selectFrom('request_keys')
            .select(['lease_id', 'cost_micros'])
            .where('subject_id', '=', p('agentId'))
            .where('lease_id', 'is not', null),
        )
        .as('calls'),
    )
    .select((eb) => [
      eb.ref('calls.lease_id').$notNull().as('lease_id'),
      eb.fn.sum<Microdollars>('calls.cost_micros').as('cost'),
    ])
    .groupBy('calls.lease_id'),
)

/** Checks 2 and 3: a few look-ups, for every agent every minute. */
export async function verifyAgentQuickly(tx: ReadTx, agentId: string): Promise<readonly LedgerFault[]> {
  const budget = await readBudget(tx, agentId)
  if (budget === undefined) return []
  const active = (await activeLeases.all(tx, { agentId })).map(leaseState)
  return decideSound(budget, await readLastEntry(tx, budget), active)
}

/**
 * All checks.
 *
 * @param expected heads of this agent that were kept elsewhere
 */
export async function verifyAgent(
  tx: ReadTx,
  agentId: string,
  events: EventLog,
  expected?: readonly LedgerHead[],
): Promise<readonly LedgerFault[]> {
  const budget = await readBudget(tx, agentId)
  if (budget === undefined) return []
  const replay = await replayLedger(tx, agentId, { expected, headSeq: budget.seq })
  const leases = await allLeases(tx, agentId)
  const costs = await costsOfLeases(tx, agentId)
  return [
    ...replay.faults,
    ...decideSound(budget, await readLastEntry(tx, budget), leases),
    ...decideReplayed(budget, replay),
    ...decideLeases(agentId, leases, replay, costs),
    ...decideSpent(budget, leases, replay),
    ...(await thresholdFaults(tx, agentId, events)),
  ]
}

/** Every lease of an agent, active or not. */
export async function allLeases(tx: ReadTx, agentId: string): Promise<readonly LeaseState[]> {
  const leases: LeaseState[] = []
  let rows: LeaseRow[]
  do {
    rows = await leasePage.all(tx, { agentId, after: leases.at(-1)?.id ?? '' })
    leases.push(...rows.map(leaseState))
  } while (rows.length === PAGE_LEASES)
  return leases
}

/** What an agent's calls cost per lease. */
export async function costsOfLeases(tx: ReadTx, agentId: string): Promise<ReadonlyMap<string, Microdollars>> {
  return new Map((await leaseCosts.all(tx, { agentId })).map((row) => [row.lease_id, row.cost]))
}

/** Checks 1 and 9, at the head: the chain, the numbering and the sums end where the budget row says. */
function decideReplayed(budget: BudgetState, replay: Replay): LedgerFault[] {
  const faults = decideHead(budget, replay)
  for (const name of ['allocated', 'reserved', 'spent'] as const) {
    const [cached, ledger] = [budget[name], replay.stored[name]]
    if (cached !== ledger) faults.push({ agentId: budget.agentId, seq: null, what: `sum ${name}`, cached, ledger })
  }
  return faults
}

/**
 * The head on the budget row against the chain: rows that are gone from its end, rows that were added behind its back, or
 * another last row. A number that differs alone is named by check 2.
 */
function decideHead({ agentId, seq, hash }: BudgetState, replay: Replay): LedgerFault[] {
  if (hash === replay.hash) return []
  const differs = { agentId, cached: seq, ledger: replay.seq }
  if (seq > replay.seq) {
    const isNamed = replay.faults.some(({ what }) => what === 'tail missing')
    return isNamed ? [] : [{ ...differs, seq: replay.seq + 1, what: 'tail missing' }]
  }
  if (seq === replay.seq) return [{ ...differs, seq, what: 'ledger_hash' }]
  return hash === replay.hashAtHead
    ? [{ ...differs, seq: seq + 1, what: 'row beyond head' }]
    : [{ ...differs, seq: null, what: 'ledger_hash' }]
}

/** Checks 4 and 5: each lease against its ledger rows, its state rules (I8), and what its calls cost. */
function decideLeases(
  agentId: string,
  leases: readonly LeaseState[],
  replay: Replay,
  costs: ReadonlyMap<string, Microdollars>,
): LedgerFault[] {
  const faults: LedgerFault[] = []
  const known = new Set<string>()
  for (const lease of leases) {
    known.add(lease.id)
    const compare = (what: string, cached: number, ledger: number): void => {
      if (cached !== ledger) faults.push({ agentId, seq: null, what: `lease ${lease.id} ${what}`, cached, ledger })
    }
    const sums = replay.leases.get(lease.id)
    compare('granted', lease.granted, sums?.granted ?? ZERO)
    compare('spent', lease.spent, sums?.spent ?? ZERO)
    compare('overrun', lease.overrun, sums?.overrun ?? ZERO)
    compare('released', lease.released, sums?.released ?? ZERO)
    const hold = holdOf(lease)
    if (isOpen(lease)) compare('released while active', lease.released, ZERO)
    else compare('held after its end', hold, ZERO)
    if (hold < ZERO) compare('hold', hold, ZERO)
    const used = tally(lease.spent, lease.overrun)
    compare('unreported', lease.unreported, minus(used, costs.get(lease.id) ?? ZERO))
  }
  for (const id of [...replay.leases.keys(), ...costs.keys()]) {
    if (!known.has(id)) faults.push({ agentId, seq: null, what: `lease ${id} missing`, cached: 0, ledger: 1 })
  }
  return faults
}

/** Check 6: all spending is that of leases, or an admin's. */
function decideSpent(budget: BudgetState, leases: readonly LeaseState[], replay: Replay): LedgerFault[] {
  const ofLeases = leases.reduce((sum, lease) => tally(sum, tally(lease.spent, lease.overrun)), ZERO)
  const explained = minus(tally(ofLeases, replay.charged), replay.credited)
  if (budget.spent === explained) return []
  return [
    { agentId: budget.agentId, seq: null, what: 'spent by leases and admins', cached: budget.spent, ledger: explained },
  ]
}

/** Check 8: at most one threshold event per allocation version and threshold, among the events still kept. */
async function thresholdFaults(tx: ReadTx, agentId: string, events: EventLog): Promise<LedgerFault[]> {
  const counts = new Map<string, number>()
  // Without a position: from the oldest event that retention has left.
  let after: number | undefined
  for (;;) {
    const read = await events.read(
      { types: ['budget.threshold_reached'], agentIds: [agentId] },
      { tx, after, limit: PAGE_EVENTS },
    )
    for (const { data } of read.data) {
      const name = `threshold ${Number(data.threshold)} of version ${Number(data.allocation_version)}`
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    if (read.data.length < PAGE_EVENTS) break
    after = read.nextCursor
  }
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([what, count]) => ({ agentId, seq: null, what, cached: count, ledger: 1 }))
}
