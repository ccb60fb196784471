import { print } from './remote/print.ts'
import { ServerApi, type ServerOptions } from './remote/server-api.ts'
import { fieldsOf, tableOf, usd } from './remote/table.ts'

/** A row of a ledger (http-api 4.8). */
interface LedgerEntry {
  readonly seq: number
  readonly timestamp: string
  readonly type: string
  readonly amount_usd: number
  readonly lease_id: string | null
  readonly request_id: string | null
  readonly reason: string | null
  readonly balances: Readonly<Record<'spent_usd' | 'reserved_usd' | 'available_usd', number>>
}

/** How `iron budget …` is called. */
export interface BudgetOptions extends ServerOptions {
  readonly json?: boolean | undefined
}

/** `iron budget show`. */
export async function showBudget(agent: string, { json, ...server }: BudgetOptions): Promise<void> {
  const budget = await new ServerApi(server).get<Record<string, unknown>>(`${pathOf(agent)}/budget`)
  print(budget, json, fieldsOf)
}

/** `iron budget ledger`: the newest rows, newest first. */
export async function showLedger(
  agent: string,
  { lease, limit, json, ...server }: BudgetOptions & { lease?: string; limit: number },
): Promise<void> {
  const { data } = await new ServerApi(server).get<{ data: readonly LedgerEntry[] }>(`${pathOf(agent)}/ledger`, {
    lease_id: lease,
    limit,
  })
  print(data, json, (entries) =>
    tableOf(entries, [
      { title: 'SEQ', of: ({ seq }) => seq, right: true },
      { title: 'TIME', of: ({ timestamp }) => timestamp },
      { title: 'TYPE', of: ({ type }) => type },
      { title: 'AMOUNT', of: (entry) => usd(entry.amount_usd), right: true },
      { title: 'SPENT', of: ({ balances }) => usd(balances.spent_usd), right: true },
      { title: 'RESERVED', of: ({ balances }) => usd(balances.reserved_usd), right: true },
      { title: 'AVAILABLE', of: ({ balances }) => usd(balances.available_usd), right: true },
      { title: 'REQUEST OR REASON', of: (entry) => entry.request_id ?? entry.reason },
    ]),
  )
}

function pathOf(agent: string): string {
  return `/agents/${encodeURIComponent(agent)}`
}
