import {
  expiryPart as partOfExpiry,
  kept,
  recompute,
  wrongActorEntries,
  wrongAgentEvents,
  wrongCopies,
  wrongLeaseEntries,
  wrongRanks,
  wrongTags,
} from '@iron/migrations'
import type { IronDatabase, WriteOptions } from './iron-database.ts'
import type { ListCountsTable } from './schema.ts'
import type { AtTx, ReadTx } from './transaction.ts'

/** A sum, a count, a rank or an index kept by triggers that is not what the rows say. */
export interface KeptFault {
  readonly table:
    | 'actor_entries'
    | 'agent_budgets'
    | 'agent_events'
    | 'agent_tags'
    | 'agents'
    | 'budget_sums'
    | 'lease_entries'
    | 'list_counts'
    | 'log_heads'
  /** The owner, if it is one's, and the grade; the list and its part, the agent, the lease, the actor, or the log. */
  readonly key: string
  /** The column. */
  readonly what: string
  /** `null` of a rank, of tags, of events and entries, and of what an agent's budget has, which are right or wrong. */
  readonly kept: number | null
  readonly computed: number | null
}

/** Parts of a list that follow each other in their order. */
export interface PartRange {
  readonly from: string
  /** Exclusive. */
  readonly to: string
}

/** How many rows of the given parts a list has, without a look at them; without parts, how many in all. */
export async function keptCount(
  tx: ReadTx,
  list: ListCountsTable['list'],
  parts?: readonly string[] | PartRange,
): Promise<number> {
  let query = tx.sql.selectFrom('list_counts').where('list', '=', list)
  if (isRange(parts)) query = query.where('part', '>=', parts.from).where('part', '<', parts.to)
  else if (parts !== undefined) query = query.where('part', 'in', parts)
  const { entries } = await query
    .select(({ fn }) => fn.sum<number | null>('entries').as('entries'))
    .executeTakeFirstOrThrow()
  return entries ?? 0
}

function isRange(parts: readonly string[] | PartRange | undefined): parts is PartRange {
  return parts !== undefined && 'from' in parts
}

/** The part of `list_counts` under which tokens that expire on the day of an instant are counted; of its order, before all later ones. */
export function expiryPart(ms: number): string {
  return partOfExpiry(ms)
}

type KeptTable = keyof typeof kept
type Row = Readonly<Record<string, string | number>>

/** Columns that name a row. */
const KEYS: Readonly<Record<KeptTable, readonly string[]>> = {
  budget_sums: ['owner_id', 'grade'],
  list_counts: ['list', 'part'],
  log_heads: ['name'],
}

/**
 * Compares everything that triggers keep for lists (data-model 4) with the rows that it sums up. Looks at every agent, user, token,
 * budget request, audit entry, event and ledger row; none when all is sound.
 */
export function verifyKeptSums(db: IronDatabase, options: AtTx = {}): Promise<readonly KeptFault[]> {
  return db.read(async (tx) => {
    await takeTime(tx)
    const faults: KeptFault[] = []
    for (const { agent_id: key } of await rowsOf(tx, wrongRanks)) {
      faults.push({ table: 'agent_budgets', key: String(key), what: 'rank', kept: null, computed: null })
    }
    for (const [what, sql] of Object.entries(wrongCopies)) {
      for (const { id: key } of await rowsOf(tx, sql)) {
        faults.push({ table: 'agents', key: String(key), what, kept: null, computed: null })
      }
    }
    for (const { agent_id: key } of await rowsOf(tx, wrongTags)) {
      faults.push({ table: 'agent_tags', key: String(key), what: 'tags', kept: null, computed: null })
    }
    for (const { actor_id: key } of await rowsOf(tx, wrongActorEntries)) {
      faults.push({ table: 'actor_entries', key: String(key), what: 'entries', kept: null, computed: null })
    }
    for (const { agent_id: key } of await rowsOf(tx, wrongAgentEvents)) {
      faults.push({ table: 'agent_events', key: String(key), what: 'events', kept: null, computed: null })
    }
    for (const { lease_id: key } of await rowsOf(tx, wrongLeaseEntries)) {
      faults.push({ table: 'lease_entries', key: String(key), what: 'entries', kept: null, computed: null })
    }
    for (const table of ['budget_sums', 'list_counts', 'log_heads'] as const) {
      faults.push(...differences(table, await rowsOf(tx, kept[table].kept), await rowsOf(tx, kept[table].computed)))
    }
    return Object.freeze(faults)
  }, options)
}

/** Computes anew what {@link verifyKeptSums} compares, in one transaction: for rows that were written while no trigger ran. */
export function recomputeKeptSums(db: IronDatabase, options: WriteOptions = {}): Promise<void> {
  return db.write(async (tx) => {
    await takeTime(tx)
    for (const sql of recompute) await tx.execute({ sql, parameters: [] })
  }, options)
}

/** Statements that look at every row may take as long as the whole work does, which ends in its own time. */
async function takeTime(tx: ReadTx): Promise<void> {
  const unlimited = { sql: "SELECT set_config('statement_timeout', '0', true)", parameters: [] }
  if (tx.dialect === 'postgres') await tx.execute(unlimited)
}

async function rowsOf(tx: ReadTx, sql: string): Promise<readonly Row[]> {
  const { rows } = await tx.execute<Row>({ sql, parameters: [] })
  return rows
}

function differences(table: KeptTable, stored: readonly Row[], computed: readonly Row[]): KeptFault[] {
  const keyOf = (row: Row): string => KEYS[table].map((name) => String(row[name])).join(' ')
  const [here, there] = [
    new Map(stored.map((row) => [keyOf(row), row])),
    new Map(computed.map((row) => [keyOf(row), row])),
  ]
  const faults: KeptFault[] = []
  for (const key of new Set([...here.keys(), ...there.keys()])) {
    const [row, wanted] = [here.get(key), there.get(key)]
    for (const what of Object.keys(row ?? wanted ?? {}).filter((name) => !KEYS[table].includes(name))) {
      const [found, expected] = [Number(row?.[what] ?? 0), Number(wanted?.[what] ?? 0)]
      if (found !== expected) faults.push({ table, key: key.trim(), what, kept: found, computed: expected })
    }
  }
  return faults
}
