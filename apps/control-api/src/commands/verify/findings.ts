import type { KeptFault } from '@iron/database'
import type { AuditFault, AuditHead } from '@iron/journal'
import type { LedgerFault, LedgerHead } from '@iron/lease-manager'

/** What is wrong with a chain at its first bad row, or that only a figure beside the rows differs (`balance`). */
export type Fault = AuditFault | 'balance'

/** Whether every page of a SQLite file is what it should be; SQLite's words for each that is not, or `problem` when it could not be read. */
export interface FileFindings {
  readonly ok: boolean
  readonly damages: readonly string[]
  readonly problem: string | null
}

/** Whether the schema is this version's; `problem` and every difference when it is not. */
export interface SchemaFindings {
  readonly ok: boolean
  readonly problem: string | null
  readonly differences: readonly { readonly object: string; readonly text: string }[]
}

/** Whether the audit chain is whole; `seq` and `fault` of the first bad entry, or `problem` when it could not be read. */
export interface AuditFindings {
  readonly ok: boolean
  readonly head: AuditHead | null
  readonly seq: number | null
  readonly fault: AuditFault | null
  readonly problem: string | null
}

/** What is wrong with one agent's ledger: its first bad row and every difference. */
export interface AgentFindings {
  readonly agentId: string
  /** Null when no row is bad, only what is cached beside them. */
  readonly seq: number | null
  readonly fault: Fault
  readonly differences: readonly Omit<LedgerFault, 'agentId'>[]
}

/** Whether every agent's ledger is whole and all figures follow from it; `problem` when it could not be read. */
export interface LedgerFindings {
  readonly ok: boolean
  readonly heads: readonly LedgerHead[]
  readonly agents: readonly AgentFindings[]
  readonly problem: string | null
}

/** Whether the sums and counts that lists are answered from are those of the rows; `problem` when they could not be read. */
export interface ListFindings {
  readonly ok: boolean
  readonly differences: readonly KeptFault[]
  readonly problem: string | null
}

/** What an examination of a database found. */
export interface Findings {
  readonly ok: boolean
  /** Null of PostgreSQL, which looks after its own pages. */
  readonly file: FileFindings | null
  readonly schema: SchemaFindings
  readonly audit: AuditFindings
  readonly ledger: LedgerFindings
  readonly lists: ListFindings
}

/** The kind of a difference that stands for a bad row; every other one with a row is `changed`. */
const KINDS: Readonly<Partial<Record<string, Fault>>> = {
  'row missing': 'missing',
  'agent missing': 'missing',
  'row moved': 'reordered',
  'tail missing': 'truncated',
}

/** What the differences of one agent say together: the lowest number is the first bad row. */
export function findingsOfAgent(agentId: string, faults: readonly LedgerFault[]): AgentFindings {
  const ofRows = faults.filter((fault) => fault.seq !== null).sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0))
  // The chain comes first among faults of one row, and tells most about it.
  const [first] = ofRows
  const fault = KINDS[(first ?? faults[0])?.what ?? ''] ?? (first === undefined ? 'balance' : 'changed')
  const differences = faults.map(({ seq, what, cached, ledger }) => ({ seq, what, cached, ledger }))
  return { agentId, seq: first?.seq ?? null, fault, differences }
}
