import { setTimeout as sleep } from 'node:timers/promises'
import { endWithOutput } from './lost-output.ts'
import { type ListPage, ServerApi, ServerError, type ServerOptions } from './remote/server-api.ts'
import { tableOf, usd } from './remote/table.ts'

/** What is shown of a budget (http-api 4.4). */
interface Budget {
  readonly agent_name: string
  readonly agent_id: string
  readonly spent_usd: number
  readonly reserved_usd: number
  readonly remaining_usd: number
  readonly percent_used: number
  readonly open_leases: number
}

interface Budgets extends ListPage<Budget> {
  readonly summary: Readonly<Record<'agents' | 'allocated_usd' | 'spent_usd' | 'reserved_usd', number>>
}

/** How `iron top` is called. */
export interface TopOptions extends ServerOptions {
  readonly rows: number
  /** Seconds between two looks. */
  readonly interval: number
  readonly json?: boolean | undefined
}

/** To the upper left corner, and nothing below. */
const CLEAR = '\u001B[H\u001B[J'

/** `iron top`: the agents that spent most; again and again in a terminal until it is interrupted, once everywhere else. */
export async function top({ rows, interval, json, ...server }: TopOptions): Promise<void> {
  const api = new ServerApi(server)
  const look = (): Promise<Budgets> => api.get<Budgets>('/budget', { sort: '-spent_usd', per_page: rows })
  if (json === true || !process.stdout.isTTY) {
    const budgets = await look()
    process.stdout.write(json === true ? `${JSON.stringify(budgets, null, 2)}\n` : textOf(budgets))
    return
  }
  endWithOutput()
  let shown = textOf(await look())
  process.stdout.write(`${CLEAR}${shown}`)
  for (;;) {
    await sleep(interval * 1_000)
    // A server that is away for a while takes the last figures from nobody's screen.
    const [budgets, failure] = await look().then((seen) => [seen, ''] as const, outage)
    if (budgets !== undefined) shown = textOf(budgets)
    process.stdout.write(`${CLEAR}${shown}${failure}`)
  }
}

/** @throws what does not pass by itself, such as a token that was revoked */
function outage(error: unknown): readonly [undefined, string] {
  if (error instanceof ServerError && error.isPassing) return [undefined, `\n${error.message}; looking again\n`]
  throw error
}

function textOf({ summary, data }: Budgets): string {
  const { agents, allocated_usd: allocated, spent_usd: spent, reserved_usd: reserved } = summary
  const sums = `${String(agents)} agents, ${usd(allocated)} USD allocated, ${usd(spent)} spent, ${usd(reserved)} reserved\n\n`
  return `${sums}${tableOf(data, [
    { title: 'AGENT', of: (budget) => budget.agent_name },
    { title: 'ID', of: (budget) => budget.agent_id },
    { title: 'SPENT', of: (budget) => usd(budget.spent_usd), right: true },
    { title: 'USED', of: (budget) => `${budget.percent_used.toFixed(1)}%`, right: true },
    { title: 'RESERVED', of: (budget) => usd(budget.reserved_usd), right: true },
    { title: 'REMAINING', of: (budget) => usd(budget.remaining_usd), right: true },
    { title: 'LEASES', of: (budget) => budget.open_leases, right: true },
  ])}`
}
