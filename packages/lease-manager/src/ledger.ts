/** The double-entry ledger behind every balance: reading it, proving it, and rebuilding from it what is cached. */
import { CostError, ZERO } from '@iron/cost-calculator'
import {
  type AtTx,
  commitBeforeRefusing,
  type Cursor,
  type CursorPage,
  cursorPage,
  cursorWindow,
  DatabaseError,
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
import type { LedgerHead } from './ledger/chain-walk.ts'
import { type LedgerEntry, ledgerEntry } from './ledger/ledger-entry.ts'
import { type LedgerFilter, readEntries } from './ledger/read-entries.ts'
import { rebuildAgent } from './ledger/rebuild-agent.ts'
import { type LedgerTotals, readTotals } from './ledger/read-totals.ts'
import type { LedgerFault } from './ledger/soundness.ts'
import { verifyAgent, verifyAgentQuickly } from './ledger/verify-agent.ts'

/** Options of {@link Ledger.verify}. */
export interface LedgerVerifyOptions {
  /** Default: every agent. */
  readonly agentId?: string | undefined
  /** Only the cached balances against the last row and the open leases. */
  readonly quick?: boolean | undefined
  /** Heads kept elsewhere: show rows that were cut off, or written anew, together with the head in the database. Not with `quick`. */
  readonly expect?: readonly LedgerHead[] | undefined
  /** Writes nothing, so a mismatch is not audited: for tools that examine a database without touching it. */
  readonly readOnly?: boolean | undefined
}

/** Agents looked up at once in a pass over all of them. */
const AGENTS_AT_ONCE = 500
/** Who finds a mismatch. */
const VERIFIER: Actor = { type: 'system', id: 'system:verify' }

/** The double-entry ledger behind every balance: reads it, proves it, and rebuilds from it what is cached. */
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
      const [seq] = after ?? []
      const rows = await readEntries(tx, filter, { after: seq as number | undefined, limit: limit + 1, order })
      return cursorPage(rows, limit, ledgerEntry, (row) => [row.seq])
    }, options)
  }

  /** The balances after the last row at or before `at` (epoch ms; default now). @throws {LeaseError} AGENT_NOT_FOUND */
  async balancesAt(agentId: string, at?: number, options: AtTx = {}): Promise<Balances> {
    checkIds({ agentId }, (faults) => {
      if (at !== undefined) faults.integer('at', at, Number.MIN_SAFE_INTEGER)
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
   * The sums over all agents, and what open leases still hold. Looks at every budget row: for somebody who asks now and then
   * and keeps the answer for a while, not for every request.
   */
  async totals(options: AtTx = {}): Promise<LedgerTotals> {
    return this.read((tx) => readTotals(tx, this.clock.now()), options)
  }

  /**
   * Recomputes one agent, or all of them, from the ledger and names every difference; none when the books are sound. Never
   * repairs; a mismatch is audited once until it is rebuilt.
   *
   * @throws {LeaseError} AGENT_NOT_FOUND for a named agent without budget, unless a head of it is expected: that is a difference
   */
  async verify(options: LedgerVerifyOptions = {}): Promise<readonly LedgerFault[]> {
    const { agentId, expect = [] } = options
    const faults = new Faults()
    if (agentId !== undefined) faults.id('agentId', agentId)
    refuseFaults(faults)
    const db = await this.ready()
    const expected = Map.groupBy(expect, (head) => head.agentId)
    const verifyThese = (ids: readonly string[]): Promise<readonly LedgerFault[]> =>
      verifyAgents(db, this.#booksOn(db), ids, { ...options, expected })
    if (agentId !== undefined) {
      if (await db.read((tx) => hasBudget(tx, agentId), { lookup: true })) return verifyThese([agentId])
      if (expected.has(agentId)) return Object.freeze([missing(agentId)])
      throw new LeaseError('AGENT_NOT_FOUND', 'there is no such agent')
    }
    const found: LedgerFault[] = []
    for await (const agents of this.#agents(db)) {
      // The quick look at many agents shares one snapshot; a full one may take its time with each.
      if (options.quick === true) found.push(...(await verifyThese(agents)))
      else for (const id of agents) found.push(...(await verifyThese([id])))
      for (const id of agents) expected.delete(id)
    }
    for (const id of expected.keys()) found.push(missing(id))
    if (options.quick === true) return Object.freeze(found)
    const named = new Set(expected.keys())
    for await (const fault of this.strays()) if (!named.has(fault.agentId)) found.push(fault)
    return Object.freeze(found)
  }

  /**
   * Ledgers whose rows are there while the budget that holds their head is gone: nothing else looks at them, since every pass starts
   * from the budgets. {@link verify} of all agents has them too.
   */
  async *strays(): AsyncIterable<LedgerFault> {
    const db = await this.ready()
    for (let last = ''; ;) {
      const after = last
      const agents = await db.read((tx) => agentsWithRowsAfter(tx, after))
      for (const { agentId, hasBudget: isKnown } of agents) if (isKnown === 0) yield missing(agentId)
      const end = agents.at(-1)
      if (end === undefined) return
      last = end.agentId
    }
  }

  /**
   * Where every agent's ledger stands. Kept elsewhere, the heads are what a later {@link verify} can be held against: whoever can
   * write the database can also shorten a ledger or write it anew, together with the head in it.
   */
  async *heads(): AsyncIterable<LedgerHead> {
    const db = await this.ready()
    for await (const agents of this.#agents(db)) {
      const rows = await db.read((tx) =>
        tx.sql
          .selectFrom('agent_budgets')
          .select(['agent_id as agentId', 'ledger_seq as seq', 'ledger_hash as hash'])
          .where('agent_id', 'in', agents)
          .orderBy('agent_id')
          .execute(),
      )
      for (const head of rows) yield Object.freeze(head)
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

  async *#agents(db: IronDatabase): AsyncIterable<string[]> {
    for (let last = ''; ;) {
      const after = last
      const agents = await db.read((tx) => agentsAfter(tx, after))
      const end = agents.at(-1)
      if (end === undefined) return
      yield agents
      last = end
    }
  }

  #booksOn(db: IronDatabase): Books {
    const times = { ttlMs: undefined, graceMs: 0 }
    return (this.#books ??= openBooks(db, this.#options, this.clock, this.idsOf(db), times))
  }
}

/** An agent whose ledger was known elsewhere, and that is not there. */
function missing(agentId: string): LedgerFault {
  return Object.freeze({ agentId, seq: null, what: 'agent missing', cached: 0, ledger: 1 })
}

/** Looks at nothing else of the row: what is damaged in it is a finding. */
async function hasBudget(tx: ReadTx, agentId: string): Promise<boolean> {
  const row = await tx.sql
    .selectFrom('agent_budgets')
    .select('agent_id')
    .where('agent_id', '=', agentId)
    .executeTakeFirst()
  return row !== undefined
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

/** Agents that have ledger rows. Each is one look-up in the primary key, however many rows it has. */
async function agentsWithRowsAfter(
  tx: ReadTx,
  agentId: string,
): Promise<{ readonly agentId: string; readonly hasBudget: number }[]> {
  return tx.sql
    .withRecursive('a(agent_id, n)', (db) =>
      db
        .selectFrom('ledger_entries')
        .select((eb) => [eb.fn.min<string | null>('agent_id').as('agent_id'), eb.lit(1).as('n')])
        .where('agent_id', '>', agentId)
        .unionAll(
          db
            .selectFrom('a')
            .select((eb) => [
              eb
                .selectFrom('ledger_entries as l')
                .select((of) => of.fn.min<string | null>('l.agent_id').as('agent_id'))
                .whereRef('l.agent_id', '>', 'a.agent_id')
                .as('agent_id'),
              eb('a.n', '+', 1).as('n'),
            ])
            .where('a.agent_id', 'is not', null)
            .where('a.n', '<', AGENTS_AT_ONCE),
        ),
    )
    .selectFrom('a')
    .leftJoin('agent_budgets as b', 'b.agent_id', 'a.agent_id')
    .select((eb) => [
      eb.ref('a.agent_id').$notNull().as('agentId'),
      eb.case().when('b.agent_id', 'is', null).then(eb.lit(0)).else(eb.lit(1)).end().as('hasBudget'),
    ])
    .where('a.agent_id', 'is not', null)
    .orderBy('a.agent_id')
    .execute()
}

/** Verifies agents in one snapshot and audits what it found. */
async function verifyAgents(
  db: IronDatabase,
  books: Books,
  agentIds: readonly string[],
  { quick, expected, readOnly }: LedgerVerifyOptions & { readonly expected: ReadonlyMap<string, LedgerHead[]> },
): Promise<readonly LedgerFault[]> {
  const found = await db.read(async (tx) => {
    const faults: LedgerFault[] = []
    for (const id of agentIds) {
      const check = (): Promise<readonly LedgerFault[]> =>
        quick === true ? verifyAgentQuickly(tx, id) : verifyAgent(tx, id, books.events, expected.get(id))
      faults.push(...(await namingOverflow(id, check)))
    }
    return faults
  })
  if (readOnly !== true) {
    for (const id of new Set(found.map(({ agentId }) => agentId))) {
      await auditMismatch(
        db,
        books,
        id,
        found.filter(({ agentId }) => agentId === id),
      )
    }
  }
  return Object.freeze(found.map((fault) => Object.freeze(fault)))
}

/** A damaged figure that no sum can hold is a finding, not the end of the verification. */
async function namingOverflow(
  agentId: string,
  check: () => Promise<readonly LedgerFault[]>,
): Promise<readonly LedgerFault[]> {
  try {
    return await check()
  } catch (error) {
    const code = error instanceof CostError || error instanceof DatabaseError ? error.code : undefined
    if (code !== 'AMOUNT_OUT_OF_RANGE' && code !== 'UNSAFE_INTEGER') throw error
    return [{ agentId, seq: null, what: 'figure beyond 2^53', cached: 0, ledger: 0 }]
  }
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
