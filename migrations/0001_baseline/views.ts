/** The read-only views of data-model 2, as one text for both engines. */

const DEBIT = {
  allocate: 'available',
  deallocate: 'funding',
  grant: 'reserved',
  release: 'available',
  spend: 'spent',
  overrun: 'spent',
  adjust: 'available',
} as const

const CREDIT = {
  allocate: 'funding',
  deallocate: 'available',
  grant: 'available',
  release: 'reserved',
  spend: 'reserved',
  overrun: 'available',
  adjust: 'spent',
} as const

const accountOf = (accounts: Readonly<Record<string, string>>): string => {
  const cases = Object.entries(accounts).map(([type, account]) => `WHEN '${type}' THEN '${account}'`)
  return `CASE type ${cases.join(' ')} END`
}

export const views: Readonly<Record<string, string>> = {
  agent_owner:
    'SELECT b.agent_id, b.owner_id, a.name AS agent_name, b.allocated_micros FROM agent_budgets b LEFT JOIN agents a ON a.id = b.agent_id',
  token_owner: 'SELECT id AS token_id, owner_id, project_id, name AS token_name FROM api_tokens',
  user_name: 'SELECT id AS user_id, username, name FROM users',
  // PostgreSQL sums BIGINT into NUMERIC.
  owner_reserved:
    'SELECT owner_id, CAST(SUM(reserved_micros) AS BIGINT) AS reserved FROM agent_budgets WHERE owner_id IS NOT NULL GROUP BY owner_id',
  ledger_postings:
    `SELECT agent_id, seq, created_at, ${accountOf(DEBIT)} AS account, amount_micros FROM ledger_entries` +
    ` UNION ALL SELECT agent_id, seq, created_at, ${accountOf(CREDIT)}, -amount_micros FROM ledger_entries`,
}
