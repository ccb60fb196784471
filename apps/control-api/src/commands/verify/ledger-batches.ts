/** Shares out the ledgers of all agents: each agent's is one chain, which is walked from its beginning by one thread. */
import type { Ledger, LedgerFault, LedgerHead } from '@iron/lease-manager'

/** Rows after which a batch is full: a fraction of a second of work. */
const BATCH_ROWS = 20_000
/** Agents after which it is, however few rows they have. */
const BATCH_AGENTS = 500

/** Agents whose ledgers are verified one after the other. */
export interface LedgerBatch {
  readonly agents: readonly { readonly agentId: string; readonly expect: readonly LedgerHead[] }[]
  /** Rows in their ledgers, as their heads say. */
  readonly rows: number
}

/** Told how many rows have been verified, of how many. */
export type VerifiedRows = (rows: number, total: number) => void

/**
 * Batches of every agent that the database or a head kept elsewhere knows, the largest first: whoever takes the last one does
 * not keep the others waiting.
 */
export function batchesOf(
  heads: readonly LedgerHead[],
  expect: readonly LedgerHead[],
): { readonly batches: readonly LedgerBatch[]; readonly rows: number } {
  const expected = Map.groupBy(expect, ({ agentId }) => agentId)
  const rowsOf = new Map([
    ...[...expected.keys()].map((id) => [id, 0] as const),
    ...heads.map(({ agentId, seq }) => [agentId, seq] as const),
  ])
  const batches: LedgerBatch[] = []
  let agents: LedgerBatch['agents'][number][] = []
  let rows = 0
  const close = (): void => {
    if (agents.length > 0) batches.push({ agents, rows })
    agents = []
    rows = 0
  }
  for (const [agentId, seq] of rowsOf) {
    agents.push({ agentId, expect: expected.get(agentId) ?? [] })
    rows += seq
    if (rows >= BATCH_ROWS || agents.length >= BATCH_AGENTS) close()
  }
  close()
  batches.sort((a, b) => b.rows - a.rows)
  return { batches, rows: batches.reduce((sum, batch) => sum + batch.rows, 0) }
}

/** Verifies the agents of a batch, and writes nothing. */
export async function verifyBatch(ledger: Ledger, { agents }: LedgerBatch): Promise<LedgerFault[]> {
  const faults: LedgerFault[] = []
  for (const agent of agents) faults.push(...(await ledger.verify({ ...agent, readOnly: true })))
  return faults
}
