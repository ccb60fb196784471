import { formatHead } from '../heads.ts'
import type {
  AgentFindings,
  AuditFindings,
  FileFindings,
  Findings,
  LedgerFindings,
  ListFindings,
  SchemaFindings,
} from './findings.ts'

/** Differences of one agent, or of lists, that are shown; `--json` has all of them. */
const DIFFERENCES_SHOWN = 10

/** The findings as lines for a person. */
export function findingsText({ file, schema, audit, ledger, lists }: Findings): string {
  return [...fileLines(file), ...schemaLines(schema), ...auditLines(audit), ...ledgerLines(ledger), ...listLines(lists)]
    .map((line) => `${line}\n`)
    .join('')
}

/** The findings as JSON; amounts are microdollars. */
export function findingsJson({ ok, file, schema, audit, ledger, lists }: Findings): string {
  const agents = ledger.agents.map(({ agentId, ...rest }) => ({ agent_id: agentId, ...rest }))
  const { ok: isLedgerOk, heads, problem } = ledger
  const wire = { ok, file, schema, audit, ledger: { ok: isLedgerOk, checked: heads.length, agents, problem }, lists }
  return `${JSON.stringify(wire, null, 2)}\n`
}

function fileLines(file: FileFindings | null): string[] {
  if (file === null) return []
  if (file.ok) return ['file    ok']
  if (file.problem !== null) return [`file    ${file.problem}`]
  const shown = file.damages.slice(0, DIFFERENCES_SHOWN).map((damage) => `          ${damage.replaceAll('\n', ' ')}`)
  return ['file    is damaged: restore a backup', ...shown]
}

function schemaLines({ ok, problem, differences }: SchemaFindings): string[] {
  if (ok) return ['schema  ok']
  return [`schema  ${problem ?? ''}`, ...differences.map(({ object, text }) => `          ${object} ${text}`)]
}

function auditLines({ ok, head, seq, fault, problem }: AuditFindings): string[] {
  if (problem !== null || head === null) return [`audit   cannot be read: ${problem ?? ''}`]
  if (ok) return [`audit   ok, ${String(head.seq)} entries, head ${formatHead(head)}`]
  const hint = seq === 1 && fault === 'changed' ? ' (or written with another IRON_AUDIT_KEY)' : ''
  return [`audit   entry ${String(seq)} is ${String(fault)}${hint}`]
}

function ledgerLines({ ok, heads, agents, problem }: LedgerFindings): string[] {
  if (problem !== null) return [`ledger  cannot be read: ${problem}`]
  if (ok) return [`ledger  ok, ${String(heads.length)} agents`]
  return agents.flatMap(agentLines)
}

function agentLines({ agentId, seq, fault, differences }: AgentFindings): string[] {
  const what = seq === null ? 'what is cached differs from the rows' : `row ${String(seq)} is ${fault}`
  const shown = differences.slice(0, DIFFERENCES_SHOWN).map((difference) => {
    const where = difference.seq === null ? '' : ` (row ${String(difference.seq)})`
    return `          ${difference.what}${where}: ${String(difference.cached)}, by the ledger ${String(difference.ledger)}`
  })
  const more = differences.length - shown.length
  return [`ledger  agent ${agentId}: ${what}`, ...shown, ...(more > 0 ? [`          and ${String(more)} more`] : [])]
}

function listLines({ ok, differences, problem }: ListFindings): string[] {
  if (problem !== null) return [`lists   cannot be read: ${problem}`]
  if (ok) return ['lists   ok']
  const shown = differences.slice(0, DIFFERENCES_SHOWN).map(({ table, key, what, kept, computed }) => {
    if (table === 'agent_budgets') return `lists   agent ${key} is ranked wrongly`
    const place = `lists   ${table} ${key}, ${what}:`
    // Some are right or wrong, and no figures.
    return kept === null
      ? `${place} not what the rows say`
      : `${place} ${String(kept)}, by the rows ${String(computed)}`
  })
  const more = differences.length - shown.length
  return [...shown, ...(more > 0 ? [`        and ${String(more)} more`] : [])]
}
