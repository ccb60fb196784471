/** The double-entry ledger behind every balance: reading it, proving it, and rebuilding from it what is cached. */
import { ZERO } from '@iron/cost-calculator'
import {
  type AtTx,
  commitBeforeRefusing,
  type Cursor,
  type CursorPage,
  cursorPage,
  cursorWindow,
  DatabaseService,
  type DbSource,
  Faults,
  type InTx,
  type IronDatabase,
  type ReadTx,
} from '@iron/database'
import type { ActorRef, Actor } from '@iron/journal'
import { type Books, type BooksOptions, openBooks } from './books.ts'
import { type Balances, balancesOf } from './budget/balance.ts'
import { readBudget } from './budget/budget-row.ts'
import { isRefusal, LeaseError } from './errors.ts'
import { checkActor, checkIds, refuseFaults } from './lease/validate.ts'
import { type LedgerEntry, ledgerEntry } from './ledger/ledger-entry.ts'
import { rebuildAgent } from './ledger/rebuild-agent.ts'
import type { LedgerFault } from './ledger/soundness.ts'
import { verifyAgent, verifyAgentQuickly } from './ledger/verify-agent.ts'

/** Which rows: an agent's, or those of one of its leases. */
export interface LedgerFilter {
  readonly agentId: string
  readonly leaseId?: string | undefined
}

/** Agents looked up at once in a pass over all of them. */
const AGENTS_AT_ONCE = 500
/** Who finds a mismatch. */
const VERIFIER: Actor = { type: 'system', id: 'system:verify' }

export class Ledger extends DatabaseService {
  readonly #options: BooksOptions
  #books: Books | undefined

  constructor(source: DbSource, options: BooksOptions = {}) {
    super(source, options)
    this.#options = options
  }

  /** Rows of an agent, newest first unless `order` says otherwise. @throws {LeaseError} VALIDATION_ERROR */
  async list(filter: LedgerFilter, options: Cursor & AtTx = {}): Promise<CursorPage<LedgerEntry>> {
    checkIds({ agentId: filter.agentId, ...(filter.leaseId === undefined ? {} : { leaseId: filter.leaseId }) })
    const { after, limit, order } = cursorWindow(options, ['number'])
    return this.read(async (tx) => {
      let query = tx.sql
        .selectFrom('ledger_entries')
        .selectAll()
        .where('agent_id', '=', filter.agentId)
        .orderBy('seq', order)
        .limit(limit + 1)
      if (filter.leaseId !== undefined) query = query.where('lease_id', '=', filter.leaseId)
      const [seq] = after ?? []
      if (seq !== undefined) query = query.where('seq', order === 'asc' ? '>' : '<', seq as number)
      return cursorPage(await query.execute(), limit, ledgerEntry, (row) => [row.seq])
    }, options)
  }

  /** The balances after the last row at or before `at` (epoch ms; default now). @throws {LeaseError} AGENT_NOT_FOUND */
  async balancesAt(agentId: string, at?: number, options: AtTx = {}): Promise<Balances> {
    checkIds({ agentId }, (faults) => {
      if (at !== undefined) faults.integer('at', at, 0)
    })
    return this.read(async (tx) => {
      const budget = await readBudget(tx, agentId)
      if (budget === undefined) throw new LeaseError('AGENT_NOT_FOUND', 'there is no such agent')
      let query = tx.sql
        .selectFrom('ledger_entries')
        .select(['allocated_after as allocated', 'reserved_after as reserved', 'spent_after as spent'])
        .where('agent_id', '=', agentId)
        .orderBy('seq', 'desc')
        .limit(1)
      if (at !== undefined) query = query.where('created_at', '<=', at)
      const row = await query.executeTakeFirst()
      return Object.freeze(balancesOf(row ?? { allocated: ZERO, reserved: ZERO, spent: ZERO }))
    }, options)
  }

  /**
   * Recomputes one agent, or all of them, from the ledger and names every difference; none when the books are sound. `quick`: only
   * the cached balances against the last row and the open leases. Never repairs; a mismatch is audited once until it is rebuilt.
   *
   * @throws {LeaseError} AGENT_NOT_FOUND for a named agent without budget
   */
  async verify(
    options: { readonly agentId?: string | undefined; readonly quick?: boolean | undefined } = {},
  ): Promise<readonly LedgerFault[]> {
    const { agentId, quick = false } = options
    const faults = new Faults()
    if (agentId !== undefined) faults.id('agentId', agentId)
    refuseFaults(faults)
    const db = await this.ready()
    const books = this.#booksOn(db)
    if (agentId !== undefined) {
      const known = await db.read((tx) => readBudget(tx, agentId), { lookup: true })
      if (known === undefined) throw new LeaseError('AGENT_NOT_FOUND', 'there is no such agent')
      return verifyThese(db, books, [agentId], quick)
    }
    const found: LedgerFault[] = []
    let last = ''
    for (;;) {
      const agents = await db.read((tx) => agentsAfter(tx, last))
      const end = agents.at(-1)
      if (end === undefined) return Object.freeze(found)
      last = end
      // The quick look at many agents shares one snapshot; a full one may take its time with each.
      if (quick) found.push(...(await verifyThese(db, books, agents, quick)))
      else for (const id of agents) found.push(...(await verifyThese(db, books, [id], quick)))
    }
  }

  /**
   * Rewrites an agent's cached figures from its ledger rows, by agent id; grants are possible again afterwards.
   *
   * @throws {LeaseError} AGENT_NOT_FOUND; LEDGER_MISMATCH when the ledger's own rows disagree
   */
  async rebuild(agentId: string, actor: ActorRef, options: InTx = {}): Promise<Balances> {
    checkIds({ agentId }, (faults) => checkActor(faults, actor))
    const db = await this.ready()
    const books = this.#booksOn(db)
    return commitBeforeRefusing(db, isRefusal, (tx) => rebuildAgent(tx, books, agentId, actor), options)
  }

  #booksOn(db: IronDatabase): Books {
    const times = { ttlMs: undefined, graceMs: 0 }
    return (this.#books ??= openBooks(db, this.#options, this.clock, this.idsOf(db), times))
  }
}

async function agentsAfter(tx: ReadTx, agentId: string): Promise<string[]> {
  const rows = await tx.sql
    .selectFrom('agent_budgets')
    .select('agent_id')
    .where('agent_id', '>', agentId)
    .orderBy('agent_id')
    .limit(AGENTS_AT_ONCE)
    .execute()
  return rows.map((row) => row.agent_id)
}

/** Verifies agents in one snapshot and audits what it found. */
async function verifyThese(
  db: IronDatabase,
  books: Books,
  agentIds: readonly string[],
  quick: boolean,
): Promise<readonly LedgerFault[]> {
  const found = await db.read(async (tx) => {
    const faults: LedgerFault[] = []
    for (const id of agentIds) {
      faults.push(...(await (quick ? verifyAgentQuickly(tx, id) : verifyAgent(tx, id, books.events))))
    }
    return faults
  })
  for (const id of new Set(found.map(({ agentId }) => agentId))) {
    await auditMismatch(
      db,
      books,
      id,
      found.filter(({ agentId }) => agentId === id),
    )
  }
  return Object.freeze(found.map((fault) => Object.freeze(fault)))
}

/** Once per mismatch: a check every minute would otherwise fill the audit log, which is kept for ever. */
async function auditMismatch(
  db: IronDatabase,
  books: Books,
  agentId: string,
  faults: readonly LedgerFault[],
): Promise<void> {
  const lastOf = async (operation: string): Promise<number> => {
    const { data } = await books.audit.list({ operation, resourceType: 'agent', resourceId: agentId }, { limit: 1 })
    return data[0]?.seq ?? 0
  }
  if ((await lastOf('LEDGER_MISMATCH')) > (await lastOf('LEDGER_REBUILT'))) return
  await db.write(async (tx) => {
    books.audit.defer(
      {
        operation: 'LEDGER_MISMATCH',
        resourceType: 'agent',
        resourceId: agentId,
        actor: VERIFIER,
        metadata: {
          differences: faults
            .slice(0, AUDITED_FAULTS_MAX)
            .map(({ seq, what, cached, ledger }) => ({ seq, what, cached, ledger })),
          total: faults.length,
        },
      },
      { tx },
    )
  })
}

/** Differences named in the audit entry; all of them are in the answer. */
const AUDITED_FAULTS_MAX = 20
